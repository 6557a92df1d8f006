// What every daemon of ours does around its object graph.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::control {

// Before any other thread exists: all of them inherit the mask, and only WaitForStopSignal gets
// SIGTERM and SIGINT. SIGPIPE is ignored.
void BlockStopSignals();

// Blocks of 4 MiB and more are the system's again once they are freed, and come from it as zeroes:
// rte_acl takes 8 MiB of these for each trie that it builds, of which a small one touches little.
// Before any other thread exists.
void KeepLargeBlocksApart();

// The signal that came.
int WaitForStopSignal();

// As many open files as the system lets us have: a vhost-user port takes seven and more. Returns
// how many; 0 if that cannot be told.
uint64_t RaiseFileLimit();

// To stderr, under the program's name, from `level` (spdlog's name) up.
void StartLogging(const std::string& program, const std::string& level);

}  // namespace sluice::control
