// Each collector over a small saved machine, and over a damaged one.
#include <algorithm>

#include <doctest/doctest.h>

#include "collector/host/host.h"
#include "tests/support/mem_fs.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::MemFs;
using testing::RecordingAppender;

struct SavedFile {
  const char* path;
  const char* text;
};

// Under folders that no real machine has: hwmon asks the kernel where links lead.
constexpr SavedFile kFiles[] = {
    {"/saved/proc/sys/kernel/hostname", "box\n"},
    {"/saved/proc/loadavg", "0.21 0.37 0.39 1/719 19737\n"},
    {"/saved/proc/1/net/netstat",
     "TcpExt: SyncookiesSent ListenDrops Other\nTcpExt: 1 2 3\nIpExt: InOctets\nIpExt: 77\n"},
    {"/saved/proc/1/net/snmp",
     "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: MaxConn CurrEstab InErrs\nTcp: -1 3 5\n"},
    {"/saved/proc/1/net/snmp6", "Ip6InOctets 460\nIp6InReceives 9\nUdpLite6InErrors 4\n"},
    {"/saved/proc/1/net/sockstat", "sockets: used 229\nTCP: inuse 4 mem 2\n"},
    {"/saved/proc/1/net/sockstat6", "TCP6: inuse 17\n"},
    {"/saved/proc/1/net/softnet_stat",
     "00000010 00000002 00000001 0 0 0 0 0 0\nffffffff 00000000 00000003 0 0 0 0 0 0\n"},
    {"/saved/proc/1/net/arp",
     "IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 aa:bb * eth0\n"
     "10.0.0.2 0x1 0x2 aa:bc * eth0\n10.1.0.1 0x1 0x2 aa:bd * eth1\n"},
    {"/saved/proc/sys/net/netfilter/nf_conntrack_count", "123\n"},
    {"/saved/proc/sys/net/netfilter/nf_conntrack_max", "65536\n"},
    {"/saved/proc/1/net/stat/nf_conntrack", "entries found drop\n00000021 0a 1f\n00000021 01 01\n"},
    {"/saved/proc/sys/kernel/random/entropy_avail", "256\n"},
    {"/saved/proc/sys/kernel/random/poolsize", "4096\n"},
    {"/saved/proc/sys/kernel/threads-max", "7801\n"},
    {"/saved/proc/sys/kernel/pid_max", "32768\n"},
    {"/saved/proc/1/stat", "1 (init) S 0 1 1 0 -1 4 6 1 2 3 4 5 6 7 20 0 1 0 8\n"},
    {"/saved/proc/70/stat", "70 (a) R (b) R 1 1 1 0 -1 4 6 1 2 3 4 5 6 7 20 0 2 0 8\n"},
    {"/saved/proc/70/task/70/stat", "70 (a) R (b) R 1 1 1 0 -1 4 6 1 2 3 4 5 6 7 20 0 2 0 8\n"},
    {"/saved/proc/70/task/71/stat", "71 (a) R (b) D 1 1 1 0 -1 4 6 1 2 3 4 5 6 7 20 0 2 0 8\n"},
    {"/saved/proc/schedstat", "version 15\ncpu0 1 0 2 3 4 5 2500000000 1000000000 42\ndomain0 3\n"},
    {"/saved/sys/class/thermal/thermal_zone0/type", "cpu\n"},
    {"/saved/sys/class/thermal/thermal_zone0/temp", "49925\n"},
    {"/saved/sys/class/thermal/cooling_device0/type", "Processor\n"},
    {"/saved/sys/class/thermal/cooling_device0/max_state", "50\n"},
    {"/saved/sys/class/thermal/cooling_device0/cur_state", "3\n"},
    {"/saved/sys/class/hwmon/hwmon0/name", "CoreTemp\n"},
    {"/saved/sys/class/hwmon/hwmon0/temp1_input", "55000\n"},
    {"/saved/sys/class/hwmon/hwmon0/temp1_crit_alarm", "0\n"},
    {"/saved/sys/class/hwmon/hwmon0/temp1_label", "Core 0\n"},
    {"/saved/sys/class/hwmon/hwmon0/temp2_input", "nothing\n"},
    {"/saved/sys/class/hwmon/hwmon0/fan1_input", "1098\n"},
    {"/saved/sys/class/hwmon/hwmon0/pwm1", "153\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/ce_count", "1\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/ce_noinfo_count", "2\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/ue_count", "5\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/ue_noinfo_count", "6\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/csrow0/ce_count", "3\n"},
    {"/saved/sys/devices/system/edac/mc/mc0/csrow0/ue_count", "4\n"},
    {"/saved/sys/class/net/bonding_masters", "bond0\n"},
    {"/saved/sys/class/net/bond0/bonding/slaves", "eth0 eth1\n"},
    {"/saved/sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n"},
    {"/saved/sys/class/net/bond0/slave_eth1/bonding_slave/mii_status", "down\n"},
    {"/saved/sys/class/net/eth0/operstate", "up\n"},
    {"/saved/sys/class/net/eth0/flags", "0x1003\n"},
    {"/saved/sys/class/net/eth0/speed", "1000\n"},
    {"/saved/root/etc/os-release", "NAME=\"A \\\"B\\\"\"\n# c\nID='deb'\nVERSION_ID=\"20.04.2\"\n"},
};

struct Stage {
  Stage() {
    for (const SavedFile& file : kFiles) fs.put(file.path, file.text);
    config.proc_path = "/saved/proc";
    config.sys_path = "/saved/sys";
    config.root_path = "/saved/root/";
  }
  RecordingAppender::Batch collect() {
    if (!made)
      made = std::make_unique<Host>(config, HostParts{fs, store, scheduler, executor, *log});
    at += Duration(15'000);
    made->collect_once(at);
    return store.last();
  }
  std::string last_error() const { return made->status().last_error; }

  MemFs fs;
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  HostConfig config;
  Timestamp at = from_millis(1'700'000'000'500);
  std::unique_ptr<Host> made;
};

// Labels in the order LabelSet prints them: `before` and `after` stand around instance and job.
std::string series(const std::string& name, const std::string& before = "",
                   const std::string& after = "") {
  return name + "{" + (before.empty() ? "" : before + ", ") + "instance=\"box\", job=\"host\"" +
         (after.empty() ? "" : ", " + after) + "}";
}

std::string success(const std::string& collector) {
  return series("node_scrape_collector_success", "collector=\"" + collector + "\"");
}

TEST_CASE("protocols: node_exporter's fields alone, IPv6's by the 6 in their names") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_netstat_TcpExt_ListenDrops")) == 2);
  CHECK(b.value(series("node_netstat_IpExt_InOctets")) == 77);
  CHECK(b.value(series("node_netstat_Ip_Forwarding")) == 1);
  CHECK(b.value(series("node_netstat_Tcp_CurrEstab")) == 3);
  CHECK(b.value(series("node_netstat_Tcp_InErrs")) == 5);
  CHECK(b.value(series("node_netstat_Ip6_InOctets")) == 460);
  CHECK(b.value(series("node_netstat_UdpLite6_InErrors")) == 4);
  CHECK_FALSE(b.value(series("node_netstat_Tcp_MaxConn")));
  CHECK_FALSE(b.value(series("node_netstat_TcpExt_Other")));
  CHECK_FALSE(b.value(series("node_netstat_Ip6_InReceives")));
}

TEST_CASE("sockets, packets of each processor, neighbours, tracked connections") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_sockstat_sockets_used")) == 229);
  CHECK(b.value(series("node_sockstat_TCP_mem")) == 2);
  CHECK(*b.value(series("node_sockstat_TCP_mem_bytes")) >= 2 * 4096);
  CHECK(b.value(series("node_sockstat_TCP6_inuse")) == 17);
  CHECK(b.value(series("node_softnet_processed_total", "cpu=\"0\"")) == 16);
  CHECK(b.value(series("node_softnet_processed_total", "cpu=\"1\"")) == 4294967295.0);
  CHECK(b.value(series("node_softnet_times_squeezed_total", "cpu=\"1\"")) == 3);
  CHECK(b.value(series("node_arp_entries", "device=\"eth0\"")) == 2);
  CHECK(b.value(series("node_arp_entries", "device=\"eth1\"")) == 1);
  CHECK(b.value(series("node_nf_conntrack_entries")) == 123);
  CHECK(b.value(series("node_nf_conntrack_entries_limit")) == 65536);
  CHECK(b.value(series("node_nf_conntrack_stat_found")) == 11);
  CHECK(b.value(series("node_nf_conntrack_stat_drop")) == 32);
}

TEST_CASE("processes and threads by state; a name with parentheses is only a name") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_processes_pids")) == 2);
  CHECK(b.value(series("node_processes_threads")) == 3);
  CHECK(b.value(series("node_processes_max_threads")) == 7801);
  CHECK(b.value(series("node_processes_max_processes")) == 32768);
  CHECK(b.value(series("node_processes_state", "", "state=\"R\"")) == 1);
  CHECK(b.value(series("node_processes_threads_state", "", "thread_state=\"S\"")) == 1);
  CHECK(b.value(series("node_processes_threads_state", "", "thread_state=\"D\"")) == 1);
}

TEST_CASE("scheduler, entropy, memory errors, bonds, system") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_schedstat_running_seconds_total", "cpu=\"0\"")) == 2.5);
  CHECK(b.value(series("node_schedstat_waiting_seconds_total", "cpu=\"0\"")) == 1);
  CHECK(b.value(series("node_schedstat_timeslices_total", "cpu=\"0\"")) == 42);
  CHECK(b.value(series("node_entropy_available_bits")) == 256);
  CHECK(b.value(series("node_entropy_pool_size_bits")) == 4096);
  CHECK(b.value(series("node_edac_correctable_errors_total", "controller=\"0\"")) == 1);
  CHECK(b.value(series("node_edac_csrow_uncorrectable_errors_total",
                       "controller=\"0\", csrow=\"unknown\"")) == 6);
  CHECK(b.value(series("node_edac_csrow_correctable_errors_total",
                       "controller=\"0\", csrow=\"0\"")) == 3);
  CHECK(b.value(series("node_bonding_slaves", "", "master=\"bond0\"")) == 2);
  CHECK(b.value(series("node_bonding_active", "", "master=\"bond0\"")) == 1);
  CHECK(b.value(series("node_network_up", "device=\"eth0\"")) == 1);
  CHECK(b.value(series("node_network_flags", "device=\"eth0\"")) == 4099);
  CHECK(b.value(series("node_network_speed_bytes", "device=\"eth0\"")) == 125e6);
  CHECK_FALSE(b.value(series("node_network_up", "device=\"bonding_masters\"")));
  CHECK(b.value("node_os_info{id=\"deb\", instance=\"box\", job=\"host\", name=\"A \\\"B\\\"\", "
                "version_id=\"20.04.2\"}") == 1);
  CHECK(b.value("node_os_version{id=\"deb\", instance=\"box\", job=\"host\", "
                "name=\"A \\\"B\\\"\"}") == 20.04);
}

TEST_CASE("sensors in their units; one that gives no number is left out alone") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_thermal_zone_temp", "", "type=\"cpu\", zone=\"0\"")) == 49.925);
  CHECK(b.value(series("node_cooling_device_cur_state", "", "name=\"0\", type=\"Processor\"")) ==
        3);
  const std::string chip = "chip=\"coretemp\"";
  CHECK(b.value(series("node_hwmon_temp_celsius", chip, "sensor=\"temp1\"")) == 55);
  CHECK(b.value(series("node_hwmon_temp_crit_alarm_celsius", chip, "sensor=\"temp1\"")) == 0);
  CHECK(b.value(series("node_hwmon_fan_rpm", chip, "sensor=\"fan1\"")) == 1098);
  CHECK(b.value(series("node_hwmon_pwm", chip, "sensor=\"pwm1\"")) == 153);
  CHECK_FALSE(b.value(series("node_hwmon_temp_celsius", chip, "sensor=\"temp2\"")));
  CHECK(b.value(success("hwmon")) == 1);
}

TEST_CASE("a damaged file costs its collector's success and names itself, the others go on") {
  struct Damage {
    const char* collector;
    const char* path;
    const char* text;
    const char* names;  // in the error
  };
  constexpr Damage kDamages[] = {
      {"netstat", "/saved/proc/1/net/netstat", "TcpExt: ListenDrops\n", "net/netstat"},
      {"netstat", "/saved/proc/1/net/snmp", "Tcp: InErrs\nTcp: many\n", "net/snmp"},
      {"netstat", "/saved/proc/1/net/snmp", "Tcp: InErrs A\nUdp: 1 2\n", "net/snmp"},
      {"netstat", "/saved/proc/1/net/snmp6", "Ip6InOctets\n", "net/snmp6"},
      {"sockstat", "/saved/proc/1/net/sockstat", "TCP: inuse\n", "net/sockstat"},
      {"sockstat", "/saved/proc/1/net/sockstat6", "TCP6: inuse x\n", "net/sockstat6"},
      {"softnet", "/saved/proc/1/net/softnet_stat", "0000001g 0 0 0 0 0 0 0 0\n", "softnet_stat"},
      {"softnet", "/saved/proc/1/net/softnet_stat", "00000010 0\n", "softnet_stat"},
      {"arp", "/saved/proc/1/net/arp", "10.0.0.1 0x1 eth0\n", "net/arp"},
      {"conntrack", "/saved/proc/sys/net/netfilter/nf_conntrack_max", "\n", "nf_conntrack_max"},
      {"conntrack", "/saved/proc/1/net/stat/nf_conntrack", "found drop\n0a\n", "nf_conntrack"},
      {"conntrack", "/saved/proc/1/net/stat/nf_conntrack", "found\nxyz\n", "nf_conntrack"},
      {"entropy", "/saved/proc/sys/kernel/random/poolsize", "4096 bits\n", "poolsize"},
      {"processes", "/saved/proc/70/stat", "70 (a R 1\n", "70/stat"},
      {"processes", "/saved/proc/70/task/71/stat", "71 (a) R 1\n", "70/task/71/stat"},
      {"schedstat", "/saved/proc/schedstat", "cpu0 1 0 2\n", "schedstat"},
      {"thermal_zone", "/saved/sys/class/thermal/thermal_zone0/temp", "hot\n", "temp"},
      {"edac", "/saved/sys/devices/system/edac/mc/mc0/csrow0/ce_count", "-\n", "csrow0/ce_count"},
      {"netclass", "/saved/sys/class/net/eth0/speed", "fast\n", "eth0/speed"},
      {"netclass", "/saved/sys/class/net/eth0/flags", "0x\n", "eth0/flags"},
      {"os", "/saved/root/etc/os-release", "=nothing\n", "os-release"},
  };
  for (const Damage& damage : kDamages) {
    CAPTURE(damage.path);
    CAPTURE(damage.text);
    Stage s;
    const auto whole = s.collect();
    REQUIRE(whole.value(success(damage.collector)) == 1);
    const std::string before = s.last_error();
    s.fs.put(damage.path, damage.text);
    const auto b = s.collect();
    CHECK(b.value(success(damage.collector)) == 0);
    for (const std::string_view other : host_collector_names()) {
      if (other == damage.collector) continue;
      const std::string name(other);
      CHECK(b.value(success(name)) == whole.value(success(name)));
    }
    CHECK(before.find(std::string(damage.collector) + ": ") == std::string::npos);
    CHECK(s.last_error().find(std::string(damage.collector) + ": ") != std::string::npos);
    CHECK(s.last_error().find(damage.names) != std::string::npos);
  }
}

TEST_CASE("what a host does not have is a success of 0 without a word") {
  Stage s;
  for (const char* path : {"/saved/proc/schedstat", "/saved/sys/class/net/bonding_masters",
                           "/saved/proc/sys/net/netfilter/nf_conntrack_count"}) {
    REQUIRE(s.fs.remove(path));
  }
  const auto b = s.collect();
  for (const char* name : {"schedstat", "bonding", "conntrack", "systemd"}) {
    CAPTURE(name);
    CHECK(b.value(success(name)) == 0);
    CHECK(s.last_error().find(name) == std::string::npos);
  }
}

TEST_CASE("text files are told whole or not at all, with their own job set aside") {
  Stage s;
  s.config.textfile_directory = "/text";
  s.fs.put("/text/a.prom",
           "# TYPE backup_bytes gauge\nbackup_bytes{set=\"home\",job=\"own\"} 12\nplain 3");
  s.fs.put("/text/b.prom", "fine 1\nbroken{ 2\n");
  s.fs.put("/text/c.prom", "dated 1 1700000000000\n");
  s.fs.put("/text/d.txt", "ignored 1\n");
  s.fs.put("/text/e.prom", "node_load1 77\n");
  auto b = s.collect();
  CHECK(b.value("backup_bytes{exported_job=\"own\", instance=\"box\", job=\"host\", "
                "set=\"home\"}") == 12);
  CHECK(b.value(series("plain")) == 3);
  CHECK_FALSE(b.value(series("fine")));
  CHECK_FALSE(b.value(series("dated")));
  CHECK_FALSE(b.value(series("ignored")));
  CHECK(b.value(series("node_load1")) == 0.21);  // the host's own came first
  CHECK(b.value(series("node_textfile_mtime_seconds", "file=\"/text/a.prom\"")));
  CHECK_FALSE(b.value(series("node_textfile_mtime_seconds", "file=\"/text/b.prom\"")));
  CHECK(b.value(series("node_textfile_scrape_error")) == 1);
  CHECK(s.last_error().find("/text/b.prom") != std::string::npos);
  CHECK(s.last_error().find("/text/c.prom") != std::string::npos);
  CHECK(s.store.metadata().at("backup_bytes").type == MetricType::kGauge);
  REQUIRE(s.fs.remove("/text/b.prom"));
  REQUIRE(s.fs.remove("/text/c.prom"));
  s.fs.put("/text/a.prom", "plain 4\n");
  b = s.collect();
  CHECK(b.value(series("node_textfile_scrape_error")) == 0);
  CHECK(b.value(series("plain")) == 4);
  CHECK(
      b.stale("backup_bytes{exported_job=\"own\", instance=\"box\", job=\"host\", "
              "set=\"home\"}"));
  // A series under two keys: the file's goes, the host's own stays.
  REQUIRE(s.fs.remove("/text/e.prom"));
  b = s.collect();
  CHECK(b.value(series("node_load1")) == 0.21);
  CHECK(std::count_if(b.rows.begin(), b.rows.end(),
                      [](const auto& row) { return row.series.starts_with("node_load1{"); }) == 1);
}

TEST_CASE("a text file may be as large as the limit and no larger") {
  for (const std::uint64_t limit : {9u, 8u}) {
    Stage s;
    s.config.textfile_directory = "/text";
    s.config.textfile_size_limit = limit;
    s.fs.put("/text/a.prom", "plain 34\n");
    const auto b = s.collect();
    CHECK(b.value(series("plain")).has_value() == (limit == 9));
    CHECK(b.value(series("node_textfile_scrape_error")) == (limit == 9 ? 0 : 1));
  }
}

TEST_CASE("a text file folder that is not there is an error that names it") {
  Stage s;
  s.config.textfile_directory = "/nowhere";
  CHECK(s.collect().value(series("node_textfile_scrape_error")) == 1);
  CHECK(s.last_error().find("/nowhere") != std::string::npos);
}

TEST_CASE("a disabled collector says nothing at all") {
  Stage s;
  s.config.disabled_collectors = {"loadavg", "processes"};
  const auto b = s.collect();
  CHECK_FALSE(b.value(series("node_load1")));
  CHECK_FALSE(b.value(success("loadavg")));
  CHECK_FALSE(b.value(success("processes")));
  CHECK(b.value(success("entropy")) == 1);
}

}  // namespace
}  // namespace nines::collector
