// No line is lost and none is read twice, whatever happens to the file, unless the process dies.
#include "collector/tail/tailer.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/telemetry/telemetry.h"
#include "tests/support/mem_fs.h"
#include "tests/support/memory_state.h"
#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::MemFs;
using testing::SimClock;
using testing::SimScheduler;

class KeptLines final : public storage::LogAppender {
 public:
  Result<void> append(const LabelSet& stream, std::span<const storage::LogLine> lines) override {
    streams.push_back(stream);
    for (const storage::LogLine& line : lines) texts.emplace_back(line.text);
    return {};
  }
  Result<void> flush() override { return {}; }
  std::vector<std::string> texts;
  std::vector<LabelSet> streams;
};

LogMetric counter(std::string name, std::string regex, std::string by) {
  LogMetric metric;
  metric.name = std::move(name);
  metric.regex = std::move(regex);
  metric.by = {std::move(by)};
  return metric;
}

struct Rig {
  MemFs fs;
  SimClock clock{from_millis(1'700'000'000'000)};
  SimScheduler scheduler{clock};
  testing::InlineExecutor executor;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  testing::MemoryState state;
  testing::RecordingAppender appender;
  KeptLines kept;
  LogConfig config;
  std::unique_ptr<Tailer> tailer;

  Rig() {
    REQUIRE(fs.make_dirs("/log"));
    config.job_name = "app";
    config.files = {"/log/*.log"};
    config.labels = {{"env", "prod"}};
    config.metrics_interval = Duration(1000);
    config.line_bytes_max = 100;
  }
  void start() {
    tailer = std::make_unique<Tailer>(
        TailerParts{fs, kept, appender, state, scheduler, executor, *log, *telemetry});
    const Result<void> loaded = tailer->load({config});
    REQUIRE_MESSAGE(loaded, loaded.error().what());
  }
  // The process dies: nothing it holds in memory is written down any more.
  void kill() {
    REQUIRE(tailer);
    tailer.reset();
  }
  void poll(int times = 1) {
    for (int i = 0; i < times; ++i) {
      clock.advance(Duration(1000));
      tailer->poll_once();
    }
  }
  void append(const std::string& path, const std::string& text) {
    const std::string before = fs.exists(path) ? fs.text(path) : "";
    auto file = *fs.open(path, OpenMode::kCreate);
    REQUIRE(file->pwrite(before.size(), std::as_bytes(std::span(text))));
  }
  std::vector<std::string> take() { return std::exchange(kept.texts, {}); }
};

using Lines = std::vector<std::string>;

TEST_CASE("whole lines are read as they come; half a line waits for its end") {
  Rig rig;
  rig.start();
  rig.append("/log/a.log", "one\ntwo\r\nthr");
  rig.poll();
  CHECK(rig.take() == Lines{"one", "two"});
  rig.poll();
  CHECK(rig.take().empty());
  rig.append("/log/a.log", "ee\n");
  rig.poll();
  CHECK(rig.take() == Lines{"three"});
  REQUIRE_FALSE(rig.kept.streams.empty());
  CHECK(rig.kept.streams[0] ==
        LabelSet{{"env", "prod"}, {"filename", "/log/a.log"}, {"job", "app"}});
}

TEST_CASE("a file rotated by rename is read to its end, its successor from the beginning") {
  Rig rig;
  rig.config.files = {"/log/a.log"};
  rig.start();
  rig.append("/log/a.log", "1\n2\n");
  rig.poll();
  rig.append("/log/a.log", "3\n");
  REQUIRE(rig.fs.rename("/log/a.log", "/log/a.log.1"));
  rig.append("/log/a.log.1", "4\n");  // the writer still had it open
  rig.append("/log/a.log", "5\n");
  rig.poll(2);
  CHECK(rig.take() == Lines{"1", "2", "3", "4", "5"});
  CHECK(rig.tailer->status()[0].rotations == 1);
}

TEST_CASE("a renamed file that the glob still finds is not read again") {
  Rig rig;
  rig.config.files = {"/log/*"};
  rig.start();
  rig.append("/log/a", "1\n2\n");
  rig.poll();
  REQUIRE(rig.fs.rename("/log/a", "/log/b"));
  rig.append("/log/a", "3\n");
  rig.poll(2);
  CHECK(rig.take() == Lines{"1", "2", "3"});
}

TEST_CASE("truncation starts over, also when the file has grown past where we were") {
  Rig rig;
  rig.start();
  rig.append("/log/a.log", "old 1\nold 2\n");
  rig.poll();
  rig.fs.put("/log/a.log", "new 1\n");
  rig.poll();
  rig.fs.put("/log/a.log", "newer and longer than all before it\nand more\n");
  rig.poll();
  CHECK(rig.take() ==
        Lines{"old 1", "old 2", "new 1", "newer and longer than all before it", "and more"});
}

TEST_CASE("a restart goes on where the checkpoint stands, with its counters") {
  Rig rig;
  rig.config.metrics = {counter("lines_total", "(?P<word>\\w+)", "word")};
  rig.start();
  rig.append("/log/a.log", "a\na\nb\n");
  rig.poll(2);
  rig.tailer->stop();
  rig.kill();
  rig.append("/log/a.log", "a\n");
  rig.start();
  rig.poll(2);
  CHECK(rig.take() == Lines{"a", "a", "b", "a"});
  CHECK(rig.appender.last().value("lines_total{env=\"prod\", job=\"app\", word=\"a\"}") == 3);
  CHECK(rig.appender.last().value("lines_total{env=\"prod\", job=\"app\", word=\"b\"}") == 1);
}

TEST_CASE("a file rotated while nobody looked is found again and read to its end") {
  Rig rig;
  rig.config.files = {"/log/a.log"};
  rig.start();
  rig.append("/log/a.log", "1\n");
  rig.poll(2);
  rig.kill();
  rig.append("/log/a.log", "2\n");
  REQUIRE(rig.fs.rename("/log/a.log", "/log/a.log.1"));
  rig.append("/log/a.log", "3\n");
  rig.start();
  rig.poll(2);
  CHECK(rig.take() == Lines{"1", "2", "3"});
}

TEST_CASE("another file under the old inode is read from its beginning") {
  Rig rig;
  rig.start();
  rig.append("/log/a.log", "first file, with a long beginning\nand more\n");
  rig.poll(2);
  rig.kill();
  rig.fs.put("/log/a.log", "second file, just as long a beginning\nand more\n");
  rig.start();
  rig.poll();
  CHECK(rig.take().size() == 4);
}

TEST_CASE("lines at the limit are whole, one byte more is cut with a mark") {
  Rig rig;
  rig.start();
  rig.append("/log/a.log", std::string(100, 'x') + "\n" + std::string(101, 'y') + "\n" +
                               std::string(5'000'000, 'z'));
  rig.poll(30);
  rig.append("/log/a.log", "end\nnext\n");
  rig.poll(2);
  const Lines lines = rig.take();
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == std::string(100, 'x'));
  CHECK(lines[1] == std::string(100, 'y') + " [cut]");
  CHECK(lines[2].ends_with("[cut]"));
  CHECK(lines[3] == "next");
}

TEST_CASE("a counter born between two writes begins with a zero at the write before") {
  Rig rig;
  rig.config.metrics = {counter("errors_total", "error (?P<code>\\d+)", "code")};
  rig.start();
  rig.append("/log/a.log", "fine\n");
  rig.poll(2);
  const Timestamp before = rig.clock.now();
  rig.append("/log/a.log", "error 5\nerror 5\nerror 5\n");
  rig.poll();
  const auto batches = rig.appender.batches();
  REQUIRE(batches.size() >= 2);
  const std::string series = "errors_total{code=\"5\", env=\"prod\", job=\"app\"}";
  CHECK(batches[batches.size() - 2].value(series) == 0);
  CHECK(batches[batches.size() - 2].at == before);
  CHECK(batches.back().value(series) == 3);
}

TEST_CASE("mistakes in a job are named") {
  Rig rig;
  rig.config.metrics = {counter("m", "(?P<a>x)", "b")};
  rig.tailer =
      std::make_unique<Tailer>(TailerParts{rig.fs, rig.kept, rig.appender, rig.state, rig.scheduler,
                                           rig.executor, *rig.log, *rig.telemetry});
  const Result<void> no_group = rig.tailer->load({rig.config});
  REQUIRE_FALSE(no_group);
  CHECK(no_group.error().code() == ErrorCode::kInvalid);
  CHECK(no_group.error().what().find("\"b\"") != std::string::npos);
  rig.config.metrics[0].regex = "(";
  CHECK_FALSE(rig.tailer->load({rig.config}));
}

TEST_CASE("a file that cannot be found says so") {
  Rig rig;
  rig.config.files = {"/log/missing.log"};
  rig.start();
  rig.poll();
  const auto status = rig.tailer->status();
  REQUIRE(status.size() == 1);
  CHECK(status[0].last_error.find("does not exist") != std::string::npos);
}

}  // namespace
}  // namespace nines::collector
