// One call of the plugin: what every command has at hand.
#pragma once

#include "control/cni/attachment_store.h"
#include "control/cni/cni_args.h"
#include "control/cni/daemon_client.h"
#include "control/cni/ipam.h"
#include "control/cni/machine.h"
#include "control/cni/net_config.h"

namespace sluice::cni {

struct Call {
  const Args& args;
  const NetConfig& config;
  const AttachmentStore& store;
  const Ipam& ipam;
  DaemonClient& daemon;
  const Machine& machine;

  AttachmentId Id() const { return {config.name, args.container_id, args.ifname}; }
};

}  // namespace sluice::cni
