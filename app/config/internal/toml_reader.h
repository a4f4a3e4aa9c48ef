#pragma once
// Reading TOML tables key by key, so that every wrong or unknown key becomes one line with its
// place.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/core/clock.h"
#include "base/model/matcher.h"

namespace nines::config {

// The problems of one file, in the order found.
class Problems {
 public:
  explicit Problems(std::string file, bool ignore_unknown = false)
      : file_(std::move(file)), ignore_unknown_(ignore_unknown) {}
  void add(const toml::source_region& where, std::string_view message) {
    add(where.begin.line, where.begin.column, message);
  }
  void add(std::uint32_t line, std::uint32_t column, std::string_view message);
  void add_line(std::string line) { lines_.push_back(std::move(line)); }  // has its place already
  // What is wrong only when nothing else makes it good.
  void warn(const toml::source_region& where, std::string_view message);
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::string& file() const { return file_; }
  bool ignores_unknown() const { return ignore_unknown_; }  // keys
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string file_;
  bool ignore_unknown_;
  std::vector<std::string> lines_;
  std::vector<std::string> warnings_;
};

// One table. Asking for a key makes it known; finish() reports the keys nobody asked for.
class TableReader {
 public:
  // `name` is how messages call the table: "[storage]", "[[slos]]".
  TableReader(const toml::table& table, std::string name, Problems& problems)
      : table_(table), name_(std::move(name)), problems_(problems) {}

  bool has(std::string_view key);
  // Absent keys leave `out` as it is; wrong types and values are reported.
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, double& out);
  void read(std::string_view key, Duration& out);             // "15s"; must not be negative
  void read_bytes(std::string_view key, std::uint64_t& out);  // "10GiB", or an integer
  void read(std::string_view key, std::vector<std::string>& out);
  void read(std::string_view key, std::map<std::string, std::string>& out);
  void read(std::string_view key, std::vector<Matcher>& out);  // ['a="b"', 'c=~"d"']
  template <typename Int>
  void read_count(std::string_view key, Int& out) {
    std::int64_t value = static_cast<std::int64_t>(out);
    read_integer(key, value);
    out = static_cast<Int>(value);
  }
  void read_one_of(std::string_view key, std::string& out, std::vector<std::string_view> allowed);
  // A string, or the content of the file named by `<key>_file`. With `path` the file is only tried,
  // and its name goes there, as written: for what is read anew each time it is used.
  void read_secret(std::string_view key, std::string& out,
                   const std::function<std::optional<std::string>(const std::string&)>& read_file,
                   std::string* path = nullptr);
  std::optional<toml::source_region> place(std::string_view key) const;  // of the value
  const toml::source_region& place() const { return table_.source(); }
  int line() const { return static_cast<int>(table_.source().begin.line); }

  // Calls `each` for the table under `key`, or for each table of the array under it. finish() of
  // the inner reader is called afterwards.
  void table(std::string_view key, const std::function<void(TableReader&)>& each);
  void tables(std::string_view key, const std::function<void(TableReader&)>& each);
  // The keys and values of a free-form table of strings keep their places.
  void each_string(std::string_view key,
                   const std::function<void(const std::string&, const std::string&,
                                            const toml::source_region&)>& each);

  const toml::array* array(std::string_view key);  // null when absent or (reported) no array
  const toml::table& raw() const { return table_; }
  // A known key that nines reads somewhere else.
  void accept(std::string_view key) { know(key); }
  void fail(std::string_view key,
            std::string_view message);  // at the key's value, else at the table
  void warn(std::string_view key, std::string_view message);
  Problems& problems() { return problems_; }
  const std::string& name() const { return name_; }
  void finish();

 private:
  const toml::node* find(std::string_view key);
  void know(std::string_view key);
  void read_integer(std::string_view key, std::int64_t& out);
  void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted);

  const toml::table& table_;
  std::string name_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace nines::config
