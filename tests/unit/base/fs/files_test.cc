// read_file, write_file_atomically and glob_files, on the file system that forgets and fails.
#include <string>

#include <doctest/doctest.h>

#include "base/fs/fs.h"
#include "tests/support/mem_fs.h"

namespace nines {
namespace {

using testing::MemFs;
using Names = std::vector<std::string>;

TEST_CASE("read_file takes a file of exactly its limit and refuses one byte more") {
  MemFs fs;
  fs.put("/f", std::string(100, 'x'));
  CHECK(read_file(fs, "/f", 100)->size() == 100);
  CHECK(read_file(fs, "/f", 99).error().code() == ErrorCode::kLimit);
  CHECK(read_file(fs, "/f", 0).error().code() == ErrorCode::kLimit);
  fs.put("/empty", "");
  CHECK(read_file(fs, "/empty", 0)->empty());
  fs.put("/large", std::string(200'000, 'y'));
  CHECK(*read_file(fs, "/large") == std::string(200'000, 'y'));
}

TEST_CASE("whatever call fails, and whenever power is lost, a file holds the old text or the new") {
  for (std::uint64_t nth = 1;; ++nth) {
    MemFs fs;
    fs.put("/d/state", "old");
    fs.fail_nth(nth);
    const bool ok = write_file_atomically(fs, "/d/state", "new text").has_value();
    const bool clean = fs.operations() < nth;
    fs.fail_nth(0);
    CHECK((fs.text("/d/state") == "old" || fs.text("/d/state") == "new text"));
    if (ok) CHECK(fs.text("/d/state") == "new text");
    fs.crash();
    CHECK((fs.text("/d/state") == "old" || fs.text("/d/state") == "new text"));
    if (ok) CHECK(fs.text("/d/state") == "new text");
    if (clean) break;
    CHECK_FALSE(ok);
    REQUIRE(nth < 20);
  }
}

TEST_CASE("a leftover of a crashed write does not show through a shorter one") {
  MemFs fs;
  fs.put("/d/state.new", "a long leftover");
  REQUIRE(write_file_atomically(fs, "/d/state", "short"));
  CHECK(fs.text("/d/state") == "short");
  CHECK_FALSE(fs.exists("/d/state.new"));
}

MemFs& tree() {
  static MemFs fs;
  if (!fs.exists("/var")) {
    for (const char* path : {"/var/log/a.log", "/var/log/b.log", "/var/log/b.txt",
                             "/var/log/.hidden.log", "/var/log/app1/x.log", "/var/log/app2/x.log",
                             "/var/log/app2/deep/y.log", "/var/log/we[i]rd.log"}) {
      fs.put(path, "");
    }
  }
  return fs;
}

TEST_CASE("a pattern without wildcards is the file, if there is one") {
  CHECK(*glob_files(tree(), "/var/log/a.log") == Names{"/var/log/a.log"});
  CHECK(glob_files(tree(), "/var/log/none.log")->empty());
  CHECK(glob_files(tree(), "/var/none/a.log")->empty());
  CHECK(glob_files(tree(), "/var/log")->empty());  // a folder is no file
}

TEST_CASE("* ? and [] match within one component and not hidden files") {
  CHECK(*glob_files(tree(), "/var/log/*.log") ==
        Names{"/var/log/a.log", "/var/log/b.log", "/var/log/we[i]rd.log"});
  CHECK(*glob_files(tree(), "/var/log/?.log") == Names{"/var/log/a.log", "/var/log/b.log"});
  CHECK(*glob_files(tree(), "/var/log/[b-z].*") == Names{"/var/log/b.log", "/var/log/b.txt"});
  CHECK(*glob_files(tree(), "/var/log/[!b].log") == Names{"/var/log/a.log"});
  CHECK(*glob_files(tree(), "/var/log/.*.log") == Names{"/var/log/.hidden.log"});
  CHECK(*glob_files(tree(), "/var/log/app[12]/x.log") ==
        Names{"/var/log/app1/x.log", "/var/log/app2/x.log"});
  CHECK(*glob_files(tree(), "/var/log/we\\[i]rd.*") == Names{"/var/log/we[i]rd.log"});
  CHECK(*glob_files(tree(), "/var/*/a*g") == Names{"/var/log/a.log"});
}

TEST_CASE("** matches any depth, none included") {
  CHECK(*glob_files(tree(), "/var/**/x.log") ==
        Names{"/var/log/app1/x.log", "/var/log/app2/x.log"});
  CHECK(*glob_files(tree(), "/var/log/**/[xy].log") ==
        Names{"/var/log/app1/x.log", "/var/log/app2/deep/y.log", "/var/log/app2/x.log"});
  CHECK(*glob_files(tree(), "/var/log/app2/**") ==
        Names{"/var/log/app2/deep/y.log", "/var/log/app2/x.log"});
  CHECK(*glob_files(tree(), "/var/log/**/a.log") == Names{"/var/log/a.log"});
}

TEST_CASE("a pattern of many stars is no trap") {
  MemFs fs;
  fs.put("/d/" + std::string(200, 'a'), "");
  CHECK(glob_files(fs, "/d/*a*a*a*a*a*a*a*a*a*a*a*a*a*b")->empty());
}

TEST_CASE("an empty pattern is invalid") {
  CHECK(glob_files(tree(), "").error().code() == ErrorCode::kInvalid);
}

}  // namespace
}  // namespace nines
