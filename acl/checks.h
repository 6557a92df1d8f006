// What the validation of every kind of object is made of. Use acl/validate.h.
//
// Each check answers the first thing wrong, "FIELD: REASON", or nothing if all is well.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>
#include <vector>

#include "acl/name_syntax.h"
#include "acl/objects.h"

namespace sluice::acl {

using Finding = std::optional<std::string>;

Finding At(const std::string& field, const Refusal& refusal);
// InvalidArgument "OBJECT: FIELD: REASON", or OK.
absl::Status ToStatus(const std::string& object, const Finding& finding);

// A name for an error message: as it is if it is a name at all, else in quotes.
std::string Shown(const std::string& name);
std::string ObjectName(const char* kind, const std::string& namespace_name,
                       const std::string& name);

Finding CheckNames(const std::string& namespace_name, const std::string& name);
Finding CheckLabels(const std::string& field, const Labels& labels);
Finding CheckProtocol(const std::string& field, const std::string& protocol);
Finding CheckPortNumber(const std::string& field, int64_t port);
Finding CheckCidr(const std::string& field, const std::string& text);
Finding CheckSelector(const std::string& field, const LabelSelector& selector);
// Addresses of one `holder` ("pod", "node") each, none twice; errors name FIELD[I].
Finding CheckAddresses(const std::string& field, const std::vector<IpAddress>& addresses,
                       const char* holder);
Finding CheckCount(const std::string& field, size_t count, size_t most);
Finding CheckRuleName(const std::string& field, const std::string& name);
// "namespace/name" of a NetworkAttachmentDefinition.
Finding CheckNetworkName(const std::string& field, const std::string& network);

}  // namespace sluice::acl
