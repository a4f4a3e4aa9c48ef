// [[remote_write]] as it stands in a file.
#include <string>

#include <doctest/doctest.h>

#include "app/config/config.h"
#include "app/config/restart.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

const std::string kTarget = "[[remote_write]]\nurl = \"http://a/api/v1/write\"\n";

Result<Config> read(const std::string& text) {
  testing::MemFs fs;
  return load_text(fs, "n.toml", text);
}

std::string problem(const std::string& text) {
  const auto config = read(text);
  return config ? "" : config.error().what();
}

TEST_CASE("every option of a target is read; what is absent has its default") {
  const auto config = read(
      kTarget + "[[remote_write]]\nurl = \"https://b/w\"\nname = \"b\"\nremote_timeout = \"5s\"\n"
                "protobuf_message = \"io.prometheus.write.v2.Request\"\nsend_exemplars = true\n"
                "send_native_histograms = true\nheaders = { X-Scope-OrgID = \"t\" }\n"
                "basic_auth = { username = \"u\", password = \"p\" }\n"
                "write_relabel_configs = [{ regex = \"a\", action = \"labeldrop\" }]\n"
                "queue_config = { capacity = 5, max_shards = 3, max_samples_per_send = 7, "
                "batch_send_deadline = \"1s\", min_backoff = \"1s\", max_backoff = \"2s\", "
                "retry_on_http_429 = false, sample_age_limit = \"1h\", overlap = \"1m\" }\n"
                "metadata_config = { send = false, send_interval = \"9s\", "
                "max_samples_per_send = 4 }\n");
  REQUIRE_MESSAGE(config, config.error().what());
  REQUIRE(config->remote_writes.size() == 2);
  const collector::SendConfig& a = config->remote_writes[0];
  CHECK(a.key() == "http://a/api/v1/write");
  CHECK(a.protocol == collector::SendProtocol::kV1);
  CHECK(a.queue.capacity == 10'000);
  CHECK(a.queue.retry_on_http_429);
  CHECK(a.send_metadata);
  const collector::SendConfig& b = config->remote_writes[1];
  CHECK(b.key() == "b");
  CHECK(b.protocol == collector::SendProtocol::kV2);
  CHECK(b.remote_timeout == Duration(5'000));
  CHECK(b.send_exemplars);
  CHECK(b.send_native_histograms);
  CHECK(b.access.basic_auth_username == "u");
  CHECK(b.access.http_headers == HttpHeaders{{"X-Scope-OrgID", "t"}});
  CHECK(b.write_relabel_configs.size() == 1);
  CHECK(b.queue.capacity == 5);
  CHECK(b.queue.max_shards == 3);
  CHECK(b.queue.max_samples_per_send == 7);
  CHECK(b.queue.max_backoff == Duration(2'000));
  CHECK_FALSE(b.queue.retry_on_http_429);
  CHECK(b.queue.sample_age_limit == Duration(3'600'000));
  CHECK(b.overlap == Duration(60'000));
  CHECK_FALSE(b.send_metadata);
  CHECK(b.metadata_per_send == 4);
}

TEST_CASE("a target that makes no sense is refused with its place") {
  CHECK(problem("[[remote_write]]\n").find("needs `url`") != std::string::npos);
  CHECK(problem("[[remote_write]]\nurl = \"a\"\n").find("n.toml:2:7") != std::string::npos);
  CHECK(problem(kTarget + kTarget).find("a `name` of its own") != std::string::npos);
  CHECK(problem(kTarget + "remote_timout = \"1s\"\n").find("`remote_timeout`") !=
        std::string::npos);
  CHECK(problem(kTarget + "protobuf_message = \"x\"\n").find("prometheus.WriteRequest") !=
        std::string::npos);
  CHECK(problem(kTarget + "headers = { content-type = \"x\" }\n").find("may not set") !=
        std::string::npos);
  const auto queue = [](const std::string& keys) {
    return problem(kTarget + "queue_config = { " + keys + " }\n");
  };
  CHECK(queue("max_shards = 0").find("at least 1") != std::string::npos);
  CHECK(queue("max_shards = 1").empty());
  CHECK(queue("capacity = 1999, max_shards = 1").find("must hold") != std::string::npos);
  CHECK(queue("capacity = 2000, max_shards = 1").empty());
  CHECK(queue("min_backoff = \"6s\"").find("must not be less") != std::string::npos);
  CHECK(queue("min_backoff = \"5s\"").empty());
  CHECK(queue("min_backoff = \"0s\"").find("at least 1ms") != std::string::npos);
  CHECK(problem(kTarget + "metadata_config = { send_interval = \"999ms\" }\n")
            .find("at least 1s") != std::string::npos);
}

TEST_CASE("targets change at the next start, and a reload says so") {
  const auto started = read(kTarget);
  const auto now = read(kTarget + "name = \"x\"\n");
  REQUIRE(started);
  REQUIRE(now);
  CHECK(changes_that_wait(*started, *now) == std::vector<std::string>{"[[remote_write]]"});
  CHECK(changes_that_wait(*started, *started).empty());
}

}  // namespace
}  // namespace nines::config
