#include "control/grpc/answer_convert.h"

#include <string>

#include "acl/flat_rule.h"

namespace sluice::control {
namespace {

const char* Word(bool allow) { return allow ? "allow" : "deny"; }

void WriteNearest(const Nearest& nearest, v1::NearestRule* out) {
  out->set_policy(nearest.policy);
  out->set_rule(nearest.rule);
  out->set_admits(nearest.admits);
  for (const std::string& what : nearest.differs) out->add_differs(what);
  out->set_text(nearest.text);
}

void WriteClass(const ClassText& text, v1::DiffClass* out) {
  out->set_id(text.id);
  for (const std::string& selector : text.selectors) out->add_selectors(selector);
  for (const std::string& example : text.examples) out->add_examples(example);
  out->set_members(text.members);
}

void WriteVerdict(const Verdict& verdict, v1::FlowVerdict* out) {
  out->set_verdict(Word(verdict.allow));
  if (verdict.egress) WriteSide(*verdict.egress, out->mutable_egress());
  if (verdict.ingress) WriteSide(*verdict.ingress, out->mutable_ingress());
}

void WriteFlip(const FlipText& flip, v1::PolicyFlip* out) {
  WriteClass(flip.from, out->mutable_from());
  WriteClass(flip.to, out->mutable_to());
  out->set_protocol(flip.protocol);
  out->set_port_first(flip.port_first);
  out->set_port_last(flip.port_last);
  WriteVerdict(flip.before, out->mutable_before());
  WriteVerdict(flip.after, out->mutable_after());
}

}  // namespace

void WriteSide(const Side& side, v1::SideVerdict* out) {
  out->set_verdict(Word(side.allow));
  out->set_tier(acl::TierName(side.tier));
  for (const std::string& policy : side.policies) out->add_policies(policy);
  out->set_rule(side.rule);
  out->set_reject(side.reject);
  out->set_conditional(side.conditional);
  if (side.nearest) WriteNearest(*side.nearest, out->mutable_nearest());
}

void AddDiff(const NetworkDiff& diff, v1::DiffPoliciesResponse* out) {
  out->set_count(out->count() + diff.count);
  v1::NetworkFlips* network = out->add_networks();
  network->set_network(diff.network);
  network->set_count(diff.count);
  network->set_pairs(diff.pairs);
  for (const FlipText& flip : diff.flips) {
    v1::PolicyFlip* added = out->add_flips();
    added->set_network(diff.network);
    WriteFlip(flip, added);
  }
}

}  // namespace sluice::control
