#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "control/ctl/doctor/examine.h"
#include "control/ctl/doctor/reach.h"
#include "control/file_descriptor.h"

namespace sluice::ctl {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A machine made of files. Two NUMA nodes: CPUs 0-3 and 4-7; the switch is to work on 2 and 3.
class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    std::string path = fs::temp_directory_path() / "sluice-machine-XXXXXX";
    root_ = mkdtemp(path.data());
    Good();
  }
  ~DoctorTest() override { fs::remove_all(root_); }

  void MakeDirectoryOf(const std::string& path) {
    fs::create_directories(fs::path(root_ + path).parent_path());
  }
  void Write(const std::string& path, const std::string& text) {
    MakeDirectoryOf(path);
    std::ofstream(root_ + path) << text << "\n";
  }
  void Remove(const std::string& path) { fs::remove_all(root_ + path); }
  void Mode(const std::string& path, unsigned mode) {
    fs::permissions(root_ + path, static_cast<fs::perms>(mode));
  }
  void Link(const std::string& path, const std::string& to) {
    MakeDirectoryOf(path);
    Remove(path);
    fs::create_symlink(to, root_ + path);
  }
  void Socket(const std::string& path, unsigned mode) {
    MakeDirectoryOf(path);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, (root_ + path).c_str(), sizeof address.sun_path - 1);
    const control::FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    Mode(path, mode);
  }
  void Pages(const std::string& above, int reserved, int free) {
    Write(above + "/hugepages/hugepages-2048kB/nr_hugepages", std::to_string(reserved));
    Write(above + "/hugepages/hugepages-2048kB/free_hugepages", std::to_string(free));
  }
  void Process(int pid, const std::string& name, int parent, const std::string& cpus) {
    const std::string directory = "/proc/" + std::to_string(pid);
    Write(directory + "/comm", name);
    Write(directory + "/status", "Name:\t" + name + "\nPid:\t" + std::to_string(pid) + "\nPPid:\t" +
                                     std::to_string(parent) + "\nCpus_allowed_list:\t" + cpus);
  }
  void Limits(const std::string& files, const std::string& locked) {
    Write("/proc/20/limits", "Max open files  " + files + "  65536  files\nMax locked memory  " +
                                 locked + "  unlimited  bytes");
  }
  void Good() {
    const std::string cpu = "/sys/devices/system/cpu", node = "/sys/devices/system/node";
    Write(cpu + "/online", "0-7");
    Write(cpu + "/isolated", "2-3");
    Write(cpu + "/nohz_full", "2-3");
    Write(cpu + "/cpu2/cpufreq/scaling_governor", "performance");
    Write(cpu + "/cpu3/cpufreq/scaling_governor", "performance");
    Write(node + "/online", "0-1");
    Write(node + "/node0/cpulist", "0-3");
    Write(node + "/node1/cpulist", "4-7");
    Pages("/sys/kernel/mm", 2048, 1024);
    Pages(node + "/node0", 1024, 512);
    Pages(node + "/node1", 1024, 512);
    Write("/proc/mounts", "none /dev/hugepages hugetlbfs rw 0 0");
    Write("/sys/kernel/iommu_groups/7/type", "DMA");
    Write("/sys/module/vfio_pci/refcnt", "1");
    Write("/sys/bus/pci/devices/0000:03:00.0/numa_node", "0");
    Link("/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/vfio-pci");
    Link("/sys/bus/pci/devices/0000:03:00.0/iommu_group", "../../../kernel/iommu_groups/7");
    Write("/dev/vfio/7", "");
    Socket("/run/g.sock", 0600);
    Socket("/run/sluice/pods/u/n.sock", 0660);
    Mode("/run/sluice/pods", 0755);
    Write("/opt/cni/bin/sluice-cni", "");
    Mode("/opt/cni/bin/sluice-cni", 0755);
    Write("/etc/cni/net.d/10-primary.conflist", "{}");
    Process(1, "systemd", 0, "0-7");
    Process(9, "kworker", 2, "2");
    Process(20, "sluiced", 1, "0-7");
    Limits("65536", "unlimited");
  }

  // {check: the worst finding of that name}, without what is well.
  std::map<std::string, Finding> Faults() const {
    std::map<std::string, Finding> faults;
    for (const Finding& finding : ExamineMachine(MachineTree(root_), needs_)) {
      EXPECT_EQ(finding.advice.empty(), finding.level == Level::kOk) << finding.check;
      EXPECT_FALSE(finding.what.empty()) << finding.check;
      if (finding.level == Level::kOk) continue;
      Finding& worst = faults[finding.check];
      if (worst.level < finding.level) worst = finding;
    }
    return faults;
  }
  // There is this fault, and no other.
  void ExpectOnly(const std::string& check, Level level, const std::string& what,
                  const std::string& advice) {
    const auto faults = Faults();
    for (const auto& [name, fault] : faults) EXPECT_EQ(name, check) << fault.what;
    const auto found = faults.find(check);
    ASSERT_NE(found, faults.end()) << check;
    EXPECT_EQ(found->second.level, level);
    EXPECT_THAT(found->second.what, HasSubstr(what));
    EXPECT_THAT(found->second.advice, HasSubstr(advice));
  }

  std::string root_;
  SwitchNeeds needs_{.worker_cores = {2, 3},
                     .pci = {"0000:03:00.0"},
                     .sockets = {"/run/sluice/pods/u/n.sock"},
                     .grpc_socket = "/run/g.sock"};
};

TEST_F(DoctorTest, AGoodNodeHasNoFault) { EXPECT_THAT(Faults(), IsEmpty()); }

TEST_F(DoctorTest, NoHugePages) {
  Pages("/sys/kernel/mm", 0, 0);
  Write("/sys/devices/system/node/online", "0");  // one node: nothing to say of others
  Write("/sys/devices/system/node/node0/cpulist", "0-7");
  ExpectOnly("huge-pages", Level::kWarn, "0 of 2 MiB reserved", "vm.nr_hugepages=512");
}

TEST_F(DoctorTest, TooFewFreeHugePages) {
  Pages("/sys/kernel/mm", 1000, 10);
  ExpectOnly("huge-pages", Level::kFail, "1000 of 2 MiB reserved, 10 free", "=1246");
  needs_.running = true;  // it has them
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(DoctorTest, HugePagesOfTheOtherNumaNodeOnly) {
  Pages("/sys/devices/system/node/node0", 0, 0);
  ExpectOnly("huge-pages-numa", Level::kFail, "node 0: 0 reserved", "node0/hugepages");
}

TEST_F(DoctorTest, NoHugetlbfs) {
  Write("/proc/mounts", "proc /proc proc rw 0 0");
  ExpectOnly("huge-pages-mount", Level::kWarn, "no hugetlbfs", "mount -t hugetlbfs");
}

TEST_F(DoctorTest, WorkersOnTheWrongNumaNode) {
  needs_.worker_cores = {4};
  const auto faults = Faults();
  ASSERT_TRUE(faults.contains("numa-device"));
  EXPECT_EQ(faults.at("numa-device").level, Level::kFail);
  EXPECT_THAT(faults.at("numa-device").what, HasSubstr("0000:03:00.0 on NUMA node 0"));
  EXPECT_THAT(faults.at("numa-device").advice, HasSubstr("0-3"));
}

TEST_F(DoctorTest, WorkersOnTwoNumaNodes) {
  needs_.worker_cores = {3, 4};
  ASSERT_TRUE(Faults().contains("numa-workers"));
  EXPECT_EQ(Faults().at("numa-workers").level, Level::kWarn);
}

TEST_F(DoctorTest, AWorkerOnACpuThatIsNotThere) {
  needs_.worker_cores = {2, 9};
  ASSERT_TRUE(Faults().contains("worker-cores"));
  EXPECT_EQ(Faults().at("worker-cores").level, Level::kFail);
  EXPECT_THAT(Faults().at("worker-cores").what, HasSubstr("9 are not online"));
  needs_.worker_cores = {};
  ExpectOnly("worker-cores", Level::kWarn, "not known", "--worker-cores");
}

TEST_F(DoctorTest, CpusThatAreNotIsolatedHaveCompany) {
  Write("/sys/devices/system/cpu/isolated", "");
  const auto faults = Faults();
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_THAT(faults.at("isolated-cpus").advice, HasSubstr("isolcpus=2-3"));
  EXPECT_THAT(faults.at("cpu-company").what, HasSubstr("1 processes may run"));
}

TEST_F(DoctorTest, ACpusetIsolatesToo) {
  Write("/sys/devices/system/cpu/isolated", "");
  Write("/sys/fs/cgroup/cpuset.cpus.isolated", "2-3");
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(DoctorTest, AProcessBoundToAWorkersCpu) {
  Process(30, "greedy", 1, "3");
  ExpectOnly("cpu-company", Level::kWarn, "greedy (30)", "taskset");
}

TEST_F(DoctorTest, ATimerThatTicks) {
  Write("/sys/devices/system/cpu/nohz_full", "2");
  ExpectOnly("nohz-full", Level::kWarn, "CPUs 3", "nohz_full=2-3");
}

TEST_F(DoctorTest, AGovernorThatSavesPower) {
  Write("/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave");
  ExpectOnly("cpu-governor", Level::kWarn, "CPUs 3", "-g performance");
}

TEST_F(DoctorTest, NoIommu) {
  Remove("/sys/kernel/iommu_groups");
  ExpectOnly("iommu", Level::kFail, "off", "intel_iommu=on");
  needs_.pci = {};
  EXPECT_THAT(Faults(), IsEmpty()) << "no device needs it";
}

TEST_F(DoctorTest, NoVfio) {
  Remove("/sys/module/vfio_pci");
  ExpectOnly("vfio", Level::kWarn, "not loaded", "modprobe vfio-pci");
}

TEST_F(DoctorTest, ADeviceOfTheKernelOrGoneOrWithoutItsGroup) {
  Remove("/dev/vfio/7");
  ExpectOnly("pci-device", Level::kFail, "no /dev/vfio/7", "/dev/vfio");
  Link("/sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/ixgbe");
  ExpectOnly("pci-device", Level::kWarn, "driver ixgbe", "dpdk-devbind.py --bind=vfio-pci");
  Remove("/sys/bus/pci/devices/0000:03:00.0");
  ExpectOnly("pci-device", Level::kFail, "is not there", "lspci");
}

TEST_F(DoctorTest, SocketsOpenToOthers) {
  Mode("/run/g.sock", 0666);
  ExpectOnly("grpc-socket", Level::kFail, "mode 0666", "chmod 0600 /run/g.sock");
  Mode("/run/g.sock", 0600);
  Mode("/run/sluice/pods/u/n.sock", 0666);
  ExpectOnly("vhost-sockets", Level::kFail, "everybody may write", "socketMode");
  Remove("/run/sluice/pods/u/n.sock");
  ExpectOnly("vhost-sockets", Level::kFail, "1 of 1 sockets are not there", "delete the pods");
  needs_.sockets = {};
  Mode("/run/sluice/pods", 0777);
  ExpectOnly("vhost-directory", Level::kFail, "mode 0777", "chmod o-w");
}

TEST_F(DoctorTest, NoGrpcSocketOrAFileInItsPlace) {
  Remove("/run/g.sock");
  ExpectOnly("grpc-socket", Level::kFail, "is not there", "start sluiced");
  Write("/run/g.sock", "");
  ExpectOnly("grpc-socket", Level::kFail, "no socket", "--listen");
}

TEST_F(DoctorTest, CniIsNotInstalled) {
  Mode("/opt/cni/bin/sluice-cni", 0644);
  ExpectOnly("cni-plugin", Level::kFail, "not executable", "chmod 0755");
  Remove("/opt/cni/bin/sluice-cni");
  ExpectOnly("cni-plugin", Level::kWarn, "is not there", "install");
}

TEST_F(DoctorTest, NoNetworkIsConfigured) {
  Remove("/etc/cni/net.d");
  ExpectOnly("cni-configuration", Level::kWarn, "no network", "primary CNI");
}

TEST_F(DoctorTest, LimitsThatAreLow) {
  Limits("1024", "unlimited");
  ExpectOnly("open-files", Level::kWarn, "1024 open files", "102 vhost-user ports");
  Limits("65536", "8388608");
  ExpectOnly("locked-memory", Level::kWarn, "8388608", "LimitMEMLOCK");
  Remove("/proc/20/limits");
  ExpectOnly("open-files", Level::kWarn, "cannot be read", "root");
}

TEST_F(DoctorTest, AnEmptyTreeIsAnsweredToo) {
  Remove("");
  fs::create_directory(root_);
  EXPECT_TRUE(Faults().contains("worker-cores"));
}

TEST(CpusTest, ListsAreReadAndWritten) {
  EXPECT_EQ(ParseCpus("0-2,5"), (std::set<int>{0, 1, 2, 5}));
  EXPECT_EQ(CpusText({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  for (const char* bad : {"", "x", "3-1", "1-", "-1", "1,,2", "0-99999999"}) {
    EXPECT_THAT(ParseCpus(bad), IsEmpty()) << bad;
  }
}

TEST(ReachTest, SaysWhoAcceptsAndWhyNot) {
  const control::FileDescriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string url = "https://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  const std::chrono::milliseconds patience{1000};
  EXPECT_THAT(TryReach(url, patience), HasSubstr("refused"));
  ASSERT_EQ(listen(fd.get(), 1), 0);
  EXPECT_EQ(TryReach(url + "/path", patience), "");
  EXPECT_THAT(TryReach("https://127.0.0.1:no-port", patience), HasSubstr("127.0.0.1"));
}

}  // namespace
}  // namespace sluice::ctl
