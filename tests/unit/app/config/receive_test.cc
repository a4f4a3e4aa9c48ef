// What is pushed: the limits of [remote_write_receiver] as they stand in a file.
#include <string>

#include <doctest/doctest.h>

#include "app/config/config.h"
#include "tests/support/mem_fs.h"

namespace nines::config {
namespace {

Result<Config> read(const std::string& text) {
  testing::MemFs fs;
  return load_text(fs, "n.toml", "[remote_write_receiver]\n" + text);
}

std::string problem(const std::string& text) {
  const auto config = read(text);
  return config ? "" : config.error().what();
}

TEST_CASE("every limit of remote write is read; what is absent has its default") {
  const auto none = read("");
  REQUIRE(none);
  CHECK(none->receive.remote_write == collector::RemoteWriteOptions{});
  const auto all = read(
      "max_message_size = \"1MiB\"\nmax_labels_per_series = 10\nmax_label_length = \"100B\"\n"
      "max_groups = 20000\ngroup_idle = \"5m\"\n");
  REQUIRE_MESSAGE(all, all.error().what());
  const collector::RemoteWriteOptions& o = all->receive.remote_write;
  CHECK(o.decoded_bytes_max == 1u << 20);
  CHECK(o.labels_max == 10);
  CHECK(o.label_bytes_max == 100);
  CHECK(o.groups_max == 20'000);
  CHECK(o.group_idle_max == Duration(300'000));
}

TEST_CASE("a wrong limit is named with its place") {
  CHECK(problem("max_groups = -1\n").find("n.toml:2") != std::string::npos);
  CHECK(problem("max_groups = -1\n").find("max_groups") != std::string::npos);
  CHECK(problem("max_message_size = \"7 apples\"\n").find("max_message_size") != std::string::npos);
  CHECK(problem("group_idle = \"soon\"\n").find("group_idle") != std::string::npos);
  CHECK(problem("max_group = 5\n").find("max_group") != std::string::npos);
}

}  // namespace
}  // namespace nines::config
