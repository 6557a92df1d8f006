#include <fmt/core.h>

#include "control/grpc/services.h"
#include "control/grpc/source_convert.h"
#include "sluice/v1/source.grpc.pb.h"

namespace sluice::control {
namespace {

constexpr size_t kMaxReportBytes = size_t{1} << 20;  // it is kept

class SourceService final : public v1::SourceService::Service {
 public:
  SourceService(const Controller& controller, SourceReports& reports)
      : controller_(controller), reports_(reports) {}

  grpc::Status ReportSource(grpc::ServerContext*, const v1::ReportSourceRequest* request,
                            v1::ReportSourceResponse* response) override {
    if (request->source().empty()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "source: is required"};
    }
    if (request->ByteSizeLong() > kMaxReportBytes) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED,
              fmt::format("report: more than {} bytes", kMaxReportBytes)};
    }
    reports_.Put(request->source(), ToReport(request->report()));
    const std::shared_ptr<const View> view = controller_.view();
    const auto found = view->state->synced_versions().find(request->source());
    if (found != view->state->synced_versions().end()) {
      response->set_synced_version(found->second);
    }
    return grpc::Status::OK;
  }

 private:
  const Controller& controller_;
  SourceReports& reports_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSourceService(const Controller& controller,
                                                 SourceReports& reports) {
  return std::make_unique<SourceService>(controller, reports);
}

}  // namespace sluice::control
