#include "base/text/yaml_documents.h"

#include <sstream>
#include <string>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

namespace nines {
namespace {

// Knows where the latest document begins, and nothing else.
class Begins final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    stuck_ = mark.pos == at_.pos;
    at_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  bool is_stuck() const { return stuck_; }
  const YAML::Mark& at() const { return at_; }

 private:
  YAML::Mark at_ = YAML::Mark::null_mark();
  bool stuck_ = false;
};

}  // namespace

std::optional<YamlPlace> endless_yaml(std::string_view text) {
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    Begins begins;
    while (parser.HandleNextDocument(begins)) {
      if (begins.is_stuck()) return YamlPlace{begins.at().line + 1, begins.at().column + 1};
    }
  } catch (const YAML::Exception&) {  // who loads the text meets it there, and says what it is
  }
  return std::nullopt;
}

}  // namespace nines
