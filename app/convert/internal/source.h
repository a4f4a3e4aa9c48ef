#pragma once
// A YAML file under conversion: its mistakes, what is left out, and mappings read field by field.

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "base/core/result.h"

namespace nines::convert {

class Source {
 public:
  explicit Source(std::string file) : file_(std::move(file)) {}
  const std::string& file() const { return file_; }
  void fail(const YAML::Mark& mark, const std::string& message);  // a mistake in the file
  void note(const YAML::Mark& mark, const std::string& message);  // what was left out or changed
  std::string line_of(const YAML::Mark& mark) const;              // file:line
  // Every document, the items of lists and of Kubernetes Lists one by one. Mistakes are reported.
  std::vector<YAML::Node> documents(std::string_view text);

  const std::vector<std::string>& mistakes() const { return mistakes_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void add(const YAML::Node& node, int depth, std::vector<YAML::Node>& out);
  std::string place(const YAML::Mark& mark) const;
  std::string file_;
  std::vector<std::string> mistakes_, notes_;
};

// One mapping. A field that is asked for is known; done() notes the others as dropped. Several
// names of one field are its spellings.
class Fields {
 public:
  using Names = std::initializer_list<std::string_view>;

  // `what` is how messages call the mapping: "an SLO". A node that is no mapping is a mistake.
  Fields(const YAML::Node& node, std::string what, Source& source);

  bool has(Names names) const;
  std::vector<std::pair<std::string, YAML::Mark>> keys() const;
  YAML::Mark mark(Names names) const;  // of the value; else of the mapping
  YAML::Mark mark() const { return mark_; }
  YAML::Node node(Names names);   // null when absent
  std::string text(Names names);  // empty when absent
  std::string required(Names names,
                       std::string_view remedy);  // a missing or empty one is a mistake
  std::optional<double> number(Names names);
  bool flag(Names names, bool fallback);
  std::map<std::string, std::string> texts(Names names);
  std::vector<std::string> list(Names names);      // of texts
  std::vector<YAML::Node> items(Names names);      // of anything
  void drop(Names names, const std::string& why);  // noted when there
  void skip(Names names);                          // says nothing that could be lost
  void done();

 private:
  struct Entry {
    std::string key;
    YAML::Node value;
    YAML::Mark mark;
    bool known = false;
  };
  void add(const YAML::Node& node, bool merged, int depth);
  const Entry* find(Names names) const;
  Entry* take(Names names);

  std::string what_;
  Source& source_;
  YAML::Mark mark_;
  std::vector<Entry> entries_;
};

}  // namespace nines::convert
