// Unit states from a program that answers like systemctl, and the running of programs itself.
#include <fstream>

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "collector/host/host.h"
#include "collector/host/internal/run_command.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"
#include "tests/support/temp_dir.h"

namespace nines::collector {
namespace {

struct Stage {
  explicit Stage(const std::string& script) {
    config.proc_path = dir.path() + "/proc";
    config.sys_path = dir.path() + "/sys";
    config.root_path = dir.path();
    config.instance = "box";
    config.systemctl = dir.path() + "/systemctl";
    std::ofstream(config.systemctl) << "#!/bin/sh\n" << script;
    ::chmod(config.systemctl.c_str(), 0755);
    REQUIRE(fs->make_dirs(dir.path() + "/run/systemd/system"));
  }
  testing::RecordingAppender::Batch collect() {
    Host host(config, HostParts{*fs, store, scheduler, executor, *log});
    host.collect_once(from_millis(1'700'000'000'500));
    error = host.status().last_error;
    return store.last();
  }

  testing::TempDir dir;
  std::unique_ptr<Fs> fs = make_posix_fs();
  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  testing::RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  HostConfig config;
  std::string error;
};

constexpr const char* kAnswers = R"(case "$*" in
*SystemState*) printf 'Version=252.22-1~deb12u1\nSystemState=degraded\n' ;;
*--all*) printf 'Type=notify\nId=nginx.service\nLoadState=loaded\nActiveState=active\n\n'
   printf 'Type=oneshot\nId=once.service\nLoadState=loaded\nActiveState=failed\n\n'
   printf 'Id=ssh.socket\nLoadState=loaded\nActiveState=inactive\n\n'
   printf 'Id=gone.service\nLoadState=not-found\nActiveState=inactive\n\n'
   printf 'Id=dev-sda.device\nLoadState=loaded\nActiveState=active\n' ;;
esac
)";

std::string unit(const std::string& name, const std::string& state, const std::string& type) {
  return "node_systemd_unit_state{instance=\"box\", job=\"host\", name=\"" + name + "\", state=\"" +
         state + "\"" + (type.empty() ? "" : ", type=\"" + type + "\"") + "}";
}

TEST_CASE("each loaded unit tells its state; devices are counted only, the missing neither named") {
  Stage s(kAnswers);
  const auto b = s.collect();
  CHECK(s.error.find("systemd") == std::string::npos);
  CHECK(b.value(unit("nginx.service", "active", "notify")) == 1);
  CHECK(b.value(unit("nginx.service", "failed", "notify")) == 0);
  CHECK(b.value(unit("once.service", "failed", "oneshot")) == 1);
  CHECK(b.value(unit("ssh.socket", "inactive", "")) == 1);
  CHECK_FALSE(b.value(unit("gone.service", "inactive", "")));
  CHECK_FALSE(b.value(unit("dev-sda.device", "active", "")));
  const std::string rest = "instance=\"box\", job=\"host\"";
  CHECK(b.value("node_systemd_units{" + rest + ", state=\"active\"}") == 2);
  CHECK(b.value("node_systemd_units{" + rest + ", state=\"inactive\"}") == 2);
  CHECK(b.value("node_systemd_units{" + rest + ", state=\"activating\"}") == 0);
  CHECK(b.value("node_systemd_system_running{" + rest + "}") == 0);
  CHECK(b.value("node_systemd_version{" + rest + ", version=\"252.22-1~deb12u1\"}") == 252.22);
}

TEST_CASE("a systemctl that fails, hangs or talks nonsense costs the units alone") {
  struct Case {
    const char* script;
    const char* says;
  };
  for (const Case& c :
       {Case{"exit 3\n", "ended with status"}, Case{"exec sleep 30\n", "did not end in time"},
        Case{"echo hello\n", "cannot read \"hello\""}}) {
    CAPTURE(c.script);
    Stage s(c.script);
    s.config.systemctl_timeout = Duration(300);
    const auto b = s.collect();
    CHECK(b.value("node_scrape_collector_success{collector=\"systemd\", instance=\"box\", "
                  "job=\"host\"}") == 0);
    CHECK(b.value("node_scrape_collector_success{collector=\"textfile\", instance=\"box\", "
                  "job=\"host\"}") == 1);
    CHECK(s.error.find(c.says) != std::string::npos);
  }
}

TEST_CASE("a program's output may be as long as the limit and no longer; a missing one is named") {
  const auto short_one = run_command({"printf", "12345"}, Duration(5'000), 5);
  REQUIRE(short_one);
  CHECK(*short_one == "12345");
  const auto long_one = run_command({"printf", "123456"}, Duration(5'000), 5);
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().code() == ErrorCode::kLimit);
  const auto missing = run_command({"no-such-program-here"}, Duration(5'000), 5);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nines::collector
