#include "collector/receive/influx.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/support/recording_appender.h"
#include "tests/support/sim_clock.h"

namespace nines::collector {
namespace {

using testing::RecordingAppender;
using testing::SimClock;

constexpr std::int64_t kTime = 1'700'000'000'000;

struct Stage {
  explicit Stage(InfluxOptions o = {}) : options(std::move(o)) {}
  InfluxAnswer write(std::string_view body, std::string_view precision = "ns",
                     std::string_view database = "") {
    return receiver.take(database, precision, "", body);
  }
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    for (const auto& batch : store.batches()) {
      if (const auto v = batch.value(series)) found = v;
    }
    return found;
  }

  InfluxOptions options;
  SimClock clock{from_millis(kTime)};
  RecordingAppender store;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<Telemetry> telemetry = make_telemetry();
  InfluxReceiver receiver{{store, clock, *log, *telemetry}, options};
};

TEST_CASE("a field is a series: measurement and field its name, tags its labels") {
  Stage s;
  CHECK(s.write("cpu,host=a,zone=z usage=1.5,idle=2i,cores=8u,up=t,down=FALSE "
                "1700000000123000000\n",
                "ns", "telegraf")
            .status == 204);
  const std::string labels = R"({db="telegraf", host="a", zone="z"})";
  CHECK(s.value("cpu_usage" + labels) == 1.5);
  CHECK(s.value("cpu_idle" + labels) == 2);
  CHECK(s.value("cpu_cores" + labels) == 8);
  CHECK(s.value("cpu_up" + labels) == 1);
  CHECK(s.value("cpu_down" + labels) == 0);
  CHECK(to_millis(s.store.last().at) == kTime + 123);
}

TEST_CASE("escapes, texts, comments, lines that end in a text") {
  Stage s;
  CHECK(s.write("# what follows\n"
                "my\\ m,tag\\ one=a\\,b\\=c f\\ 1=1\n\n"
                "log msg=\"a, b=1 \\\"x\\\"\nsecond line\",n=3 1700000000000000000\r\n"
                "num text=\"4.5\"\n")
            .status == 204);
  CHECK(s.store.batches().back().rows.size() + s.store.batches().front().rows.size() >= 2);
  bool escaped = false;
  for (const auto& batch : s.store.batches()) {
    for (const auto& row : batch.rows) escaped |= row.series.find("a,b=c") != std::string::npos;
  }
  CHECK(escaped);
  CHECK(s.value("log_n{}").value_or(s.value("log_n").value_or(0)) == 3);
  CHECK(s.value("num_text{}").value_or(s.value("num_text").value_or(0)) == 4.5);
}

TEST_CASE("precisions; without a time it is now") {
  for (const auto& [precision, time] :
       {std::pair{"ms", "1700000000000"}, {"s", "1700000000"}, {"us", "1700000000000000"},
        {"u", "1700000000000000"}, {"", "1700000000000000000"}, {"m", "28333333"},
        {"h", "472222"}}) {
    Stage s;
    CHECK(s.write(std::string("m v=1 ") + time, precision).status == 204);
    const std::int64_t at = to_millis(s.store.last().at);
    CHECK(at <= kTime);
    CHECK(at > kTime - 3'600'000);
  }
  Stage s;
  CHECK(s.write("m v=1").status == 204);
  CHECK(to_millis(s.store.last().at) == kTime);
  CHECK(s.write("m v=1", "weeks").status == 400);
  CHECK(s.write("m v=1 9223372036854775807", "h").text.find("out of range") != std::string::npos);
}

TEST_CASE("bad lines are named, good ones beside them are kept") {
  Stage s;
  const InfluxAnswer answer = s.write("m v=1\nm\nm,t v=1\nm v=x\nm v=\"open\nm v=1 soon\nn v=2\n");
  CHECK(answer.status == 400);
  CHECK(answer.text ==
        "partial write: line 2: expected a blank and fields; line 3: expected TAG=VALUE behind a "
        "comma; line 4: field \"v\" is no number: \"x\"");
  std::size_t rows = 0;
  for (const auto& batch : s.store.batches()) rows += batch.rows.size();
  CHECK(rows == 2);
}

TEST_CASE("names may be sanitized, the label of the database named or left out") {
  InfluxOptions options;
  options.sanitize_names = true;
  options.database_label = "";
  Stage s(options);
  CHECK(s.write("disk.io,host-name=a read-bytes=1", "ns", "db").status == 204);
  CHECK(s.value(R"(disk_io_read_bytes{host_name="a"})") == 1);
}

TEST_CASE("limits hold at their value and refuse one past it") {
  InfluxOptions options;
  options.samples_max = 2;
  CHECK(Stage(options).write("m a=1,b=2").status == 204);
  CHECK(Stage(options).write("m a=1,b=2,c=3").text.find("more than 2 samples") !=
        std::string::npos);
  options = {};
  options.decoded_bytes_max = 5;
  CHECK(Stage(options).write("m a=1").status == 204);
  CHECK(Stage(options).write("m a=11").status == 413);
  options = {};
  options.labels_max = 2;
  CHECK(Stage(options).write("m,a=1 v=1").status == 204);
  CHECK(Stage(options).write("m,a=1,b=2 v=1").status == 400);
}

}  // namespace
}  // namespace nines::collector
