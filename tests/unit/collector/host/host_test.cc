#include "collector/host/host.h"

#include <doctest/doctest.h>

#include "tests/support/mem_fs.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::MemFs;
using testing::RecordingAppender;

// A host with every file the collectors read.
void furnish(MemFs& fs) {
  fs.put("/proc/stat",
         "cpu  30 0 0 0 0 0 0 0 0 0\n"
         "cpu0 100 200 300 400 500 600 700 800 900 1000\n"
         "cpu1 1 2 3 4 5 6 7 8 9 10\n"
         "intr 8885917 17 0 0 1\n"
         "ctxt 38014093\n"
         "btime 1418183276\n"
         "processes 26442\n"
         "procs_running 2\n"
         "procs_blocked 1\n"
         "softirq 5057579 250191\n");
  fs.put("/proc/meminfo",
         "MemTotal:       3742148 kB\nActive(anon):   2068484 kB\nHugePages_Total:       3\n");
  fs.put("/proc/1/mounts",
         "/dev/sda1 / ext4 rw,relatime 0 0\n"
         "tmpfs /run tmpfs rw,nosuid 0 0\n"
         "/dev/sdb1 /mnt/with\\040blank xfs ro,noatime 0 0\n"
         "/dev/sda1 / ext4 rw,relatime 0 0\n"
         "overlay /merged overlay rw 0 0\n"
         "proc /proc proc rw 0 0\n"
         "tmpfs /dev/shm tmpfs rw 0 0\n"
         "/dev/sdc1 /var/lib/docker/volumes ext4 rw 0 0\n"
         "/dev/sdc2 /development ext4 rw 0 0\n");
  fs.put(
      "/proc/diskstats",
      "   8       0 sda 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 "
      "4 9653880 82621804 11 12 13 14 15 16000\n"
      "   8       1 sda1 1 2 3 4 5 6 7 8 9 10 11\n"
      "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
      " 259       0 nvme0n1 47114 4 4643973 21650 1078320 43950 39451633 1011053 0 222766 1032546\n"
      " 259       1 nvme0n1p1 1 2 3 4 5 6 7 8 9 10 11\n");
  fs.put(
      "/proc/1/net/dev",
      "Inter-|   Receive                            |  Transmit\n"
      " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo "
      "colls carrier compressed\n"
      "    lo:     100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0\n"
      "  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  fs.put("/proc/loadavg", "0.21 0.37 0.39 1/719 19737\n");
  fs.put("/proc/pressure/cpu",
         "some avg10=0.00 avg60=0.00 avg300=0.00 total=14036781\nfull avg10=0.00 avg60=0.00 "
         "avg300=0.00 total=5\n");
  fs.put("/proc/pressure/io",
         "some avg10=0.10 avg60=2.00 avg300=3.85 total=159886802\nfull avg10=0.10 avg60=2.00 "
         "avg300=3.85 total=159229614\n");
  fs.put("/proc/pressure/memory",
         "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 "
         "avg300=0.00 total=250000\n");
  fs.put("/proc/sys/fs/file-nr", "1024\t0\t1631329\n");
  fs.put("/proc/sys/kernel/ostype", "Linux\n");
  fs.put("/proc/sys/kernel/osrelease", "6.1.0\n");
  fs.put("/proc/sys/kernel/version", "#1 SMP\n");
  fs.put("/proc/sys/kernel/hostname", "box\n");
  fs.put("/proc/sys/kernel/domainname", "(none)\n");
  fs.put("/proc/sys/kernel/arch", "x86_64\n");
  fs.put("/proc/vmstat",
         "nr_free_pages 977769\npgpgin 7344136\npswpout 12\npgfault 2320168809\npgmajfault "
         "507162\noom_kill 3\npgscan_kswapd 9\n");
  fs.put("/sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet \n");
  fs.put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
}

struct Stage {
  Stage() { furnish(fs); }
  RecordingAppender::Batch collect(Duration later = Duration(15'000)) {
    at += later;
    host().collect_once(at);
    return store.last();
  }
  Host& host() {
    if (!made)
      made = std::make_unique<Host>(config, HostParts{fs, store, scheduler, executor, *log});
    return *made;
  }

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

TEST_CASE("processor time comes per mode in seconds, guests apart, the sum left out") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"0\"", "mode=\"user\"")) == 1);
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"0\"", "mode=\"steal\"")) == 8);
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"1\"", "mode=\"idle\"")) == 0.04);
  CHECK(b.value(series("node_cpu_guest_seconds_total", "cpu=\"0\"", "mode=\"nice\"")) == 10);
  CHECK_FALSE(b.value(series("node_cpu_seconds_total", "cpu=\"\"", "mode=\"user\"")));
}

TEST_CASE("a processor's counter does not go back by jitter, but starts over with the processor") {
  Stage s;
  s.collect();
  s.fs.put("/proc/stat", "cpu0 101 200 300 401 490 600 700 800 900 1000\n");
  auto b = s.collect();
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"0\"", "mode=\"user\"")) == 1.01);
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"0\"", "mode=\"iowait\"")) == 5);
  CHECK(b.stale(series("node_cpu_seconds_total", "cpu=\"1\"", "mode=\"user\"")));
  s.fs.put("/proc/stat", "cpu0 1 1 1 1 1 1 1 1 1 1\n");
  b = s.collect();
  CHECK(b.value(series("node_cpu_seconds_total", "cpu=\"0\"", "mode=\"user\"")) == 0.01);
}

TEST_CASE("memory comes in bytes where it has a unit") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_memory_MemTotal_bytes")) == 3742148.0 * 1024);
  CHECK(b.value(series("node_memory_Active_anon_bytes")) == 2068484.0 * 1024);
  CHECK(b.value(series("node_memory_HugePages_Total")) == 3);
}

TEST_CASE("file systems: tmpfs is kept, pseudo ones and node_exporter's ignored mounts are not") {
  Stage s;
  s.fs.set_capacity(1u << 30);
  const auto b = s.collect();
  const std::string root = "fstype=\"ext4\", instance=\"box\", job=\"host\", mountpoint=\"/\"}";
  CHECK(b.value("node_filesystem_size_bytes{device=\"/dev/sda1\", " + root) == 1u << 30);
  CHECK(*b.value("node_filesystem_avail_bytes{device=\"/dev/sda1\", " + root) < 1u << 30);
  CHECK(b.value("node_filesystem_readonly{device=\"/dev/sda1\", " + root) == 0);
  CHECK(b.value("node_filesystem_device_error{device=\"/dev/sda1\", " + root) == 0);
  CHECK(b.value("node_filesystem_files{device=\"/dev/sda1\", " + root) == 1u << 20);
  CHECK(b.value("node_filesystem_readonly{device=\"/dev/sdb1\", fstype=\"xfs\", instance=\"box\", "
                "job=\"host\", mountpoint=\"/mnt/with blank\"}") == 1);
  int mounts = 0;
  for (const auto& row : b.rows)
    mounts += row.series.starts_with("node_filesystem_size_bytes") ? 1 : 0;
  CHECK(mounts == 4);  // /, /run, /mnt/with blank, /development
}

TEST_CASE("disks: sectors become bytes, milliseconds seconds; partitions and loops are left out") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_disk_reads_completed_total", "device=\"sda\"")) == 25354637);
  CHECK(b.value(series("node_disk_read_bytes_total", "device=\"sda\"")) == 1003346126.0 * 512);
  CHECK(b.value(series("node_disk_read_time_seconds_total", "device=\"sda\"")) == 18492.372);
  CHECK(b.value(series("node_disk_io_now", "device=\"sda\"")) == 4);
  CHECK(b.value(series("node_disk_io_time_weighted_seconds_total", "device=\"sda\"")) == 82621.804);
  CHECK(b.value(series("node_disk_flush_requests_time_seconds_total", "device=\"sda\"")) == 16);
  CHECK(b.value(series("node_disk_writes_completed_total", "device=\"nvme0n1\"")) == 1078320);
  CHECK_FALSE(b.value(series("node_disk_discards_completed_total", "device=\"nvme0n1\"")));
  CHECK_FALSE(b.value(series("node_disk_io_now", "device=\"sda1\"")));
  CHECK_FALSE(b.value(series("node_disk_io_now", "device=\"loop0\"")));
  CHECK_FALSE(b.value(series("node_disk_io_now", "device=\"nvme0n1p1\"")));
}

TEST_CASE("network interfaces, also with a number right behind the colon") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_network_receive_bytes_total", "device=\"lo\"")) == 100);
  CHECK(b.value(series("node_network_receive_bytes_total", "device=\"eth0\"")) == 1);
  CHECK(b.value(series("node_network_receive_frame_total", "device=\"eth0\"")) == 6);
  CHECK(b.value(series("node_network_receive_multicast_total", "device=\"eth0\"")) == 8);
  CHECK(b.value(series("node_network_transmit_bytes_total", "device=\"eth0\"")) == 9);
  CHECK(b.value(series("node_network_transmit_compressed_total", "device=\"eth0\"")) == 16);
}

TEST_CASE("load, pressure, kernel counters, descriptors, paging, name and time") {
  Stage s;
  const auto b = s.collect();
  CHECK(b.value(series("node_load1")) == 0.21);
  CHECK(b.value(series("node_load15")) == 0.39);
  CHECK(b.value(series("node_pressure_cpu_waiting_seconds_total")) == 14.036781);
  CHECK(b.value(series("node_pressure_io_stalled_seconds_total")) == 159.229614);
  CHECK(b.value(series("node_pressure_memory_waiting_seconds_total")) == 1.5);
  CHECK(b.value(series("node_pressure_memory_stalled_seconds_total")) == 0.25);
  CHECK(b.value(series("node_intr_total")) == 8885917);
  CHECK(b.value(series("node_context_switches_total")) == 38014093);
  CHECK(b.value(series("node_boot_time_seconds")) == 1418183276);
  CHECK(b.value(series("node_forks_total")) == 26442);
  CHECK(b.value(series("node_procs_running")) == 2);
  CHECK(b.value(series("node_procs_blocked")) == 1);
  CHECK(b.value(series("node_filefd_allocated")) == 1024);
  CHECK(b.value(series("node_filefd_maximum")) == 1631329);
  CHECK(b.value(series("node_vmstat_pgpgin")) == 7344136);
  CHECK(b.value(series("node_vmstat_pgmajfault")) == 507162);
  CHECK(b.value(series("node_vmstat_oom_kill")) == 3);
  CHECK_FALSE(b.value(series("node_vmstat_nr_free_pages")));
  CHECK_FALSE(b.value(series("node_vmstat_pgscan_kswapd")));
  CHECK(b.value("node_uname_info{domainname=\"(none)\", instance=\"box\", job=\"host\", "
                "machine=\"x86_64\", nodename=\"box\", release=\"6.1.0\", sysname=\"Linux\", "
                "version=\"#1 SMP\"}") == 1);
  CHECK(b.value(series("node_time_seconds")) == static_cast<double>(to_millis(b.at)) / 1000);
  CHECK(b.value(series("node_time_clocksource_available_info",
                       "clocksource=\"hpet\", device=\"0\"")) == 1);
  CHECK(b.value(series("node_time_clocksource_current_info",
                       "clocksource=\"tsc\", device=\"0\"")) == 1);
}

TEST_CASE("each collector says how it went; one that fails leaves the others alone") {
  Stage s;
  auto b = s.collect();
  for (const char* name : {"cpu", "diskstats", "filefd", "filesystem", "loadavg", "meminfo",
                           "netdev", "pressure", "stat", "time", "uname", "vmstat"}) {
    CAPTURE(name);
    CHECK(b.value(series("node_scrape_collector_success",
                         "collector=\"" + std::string(name) + "\"")) == 1);
  }
  CHECK(s.host().status().last_error.empty());
  s.fs.put("/proc/meminfo", "garbage\n");
  b = s.collect();
  CHECK(b.value(series("node_scrape_collector_success", "collector=\"meminfo\"")) == 0);
  CHECK(b.stale(series("node_memory_MemTotal_bytes")));
  CHECK(b.value(series("node_load1")) == 0.21);
  CHECK(b.value(series("up")) == 1);
  CHECK(s.host().status().up);
  CHECK(s.host().status().last_error == "meminfo: meminfo: cannot read \"garbage\"");
}

TEST_CASE("a kernel without a feature is no error, only a success of 0") {
  Stage s;
  REQUIRE(s.fs.remove("/proc/pressure/cpu"));
  const auto b = s.collect();
  CHECK(b.value(series("node_scrape_collector_success", "collector=\"pressure\"")) == 0);
  CHECK(s.host().status().last_error.empty());
}

TEST_CASE("an unmounted file system gets a marker") {
  Stage s;
  s.collect();
  s.fs.put("/proc/1/mounts", "/dev/sda1 / ext4 rw 0 0\n");
  CHECK(
      s.collect().stale("node_filesystem_size_bytes{device=\"tmpfs\", fstype=\"tmpfs\", "
                        "instance=\"box\", job=\"host\", mountpoint=\"/run\"}"));
}

TEST_CASE("the first collection comes at once, the next at whole intervals, none after stop") {
  Stage s;
  s.clock.advance(Duration(1'234));
  s.host().start();
  s.scheduler.run_for(Duration(0));
  REQUIRE(s.store.batches().size() == 1);
  s.scheduler.run_for(Duration(45'000));
  const auto batches = s.store.batches();
  REQUIRE(batches.size() == 4);
  for (std::size_t i = 1; i < 4; ++i) CHECK(to_millis(batches[i].at) % 15'000 == 0);
  s.host().stop();
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.store.batches().size() == 4);
}

TEST_CASE("a steady host asks the store for slots and tells metadata once") {
  Stage s;
  s.collect();
  const std::size_t asked = s.store.slot_calls();
  const std::size_t told = s.store.metadata_calls();
  s.collect();
  CHECK(s.store.slot_calls() == asked);
  CHECK(s.store.metadata_calls() == told);
  CHECK(s.store.metadata().at("node_cpu_seconds_total").type == MetricType::kCounter);
}

TEST_CASE("this very machine can be read") {
  Stage s;
  const auto real = make_posix_fs();
  Host host({}, HostParts{*real, s.store, s.scheduler, s.executor, *s.log});
  host.collect_once(s.at);
  const auto b = s.store.last();
  const std::string mine = "instance=\"" + host.config().instance + "\", job=\"host\"}";
  for (const char* name : {"cpu", "loadavg", "meminfo", "netdev", "stat", "uname", "vmstat"}) {
    CAPTURE(name);
    CHECK(b.value("node_scrape_collector_success{collector=\"" + std::string(name) + "\", " +
                  mine) == 1);
  }
  CHECK(host.status().last_error.empty());
  CHECK(*b.value("node_memory_MemTotal_bytes{" + mine) > 1u << 20);
}

TEST_CASE("the instance is the host's name unless it is given") {
  Stage s;
  CHECK(s.host().config().instance == "box");
  Stage named;
  named.config.instance = "db-1";
  CHECK(named.collect().value("up{instance=\"db-1\", job=\"host\"}") == 1);
}

}  // namespace
}  // namespace nines::collector
