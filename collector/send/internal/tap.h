#pragma once
// Stands in front of the store and shows each target what was stored.

#include <memory>
#include <span>
#include <vector>

#include "base/model/labels.h"
#include "collector/send/internal/target.h"
#include "storage/api/appender.h"

namespace nines::collector {

class Tap final : public storage::Appender {
 public:
  // The targets are all there before the first group is opened.
  Tap(storage::Appender& store, std::span<const std::shared_ptr<SendTarget>> targets)
      : store_(store), targets_(targets) {}

  Result<std::unique_ptr<storage::GroupWriter>> open_group(const storage::GroupSpec& spec) override;
  void set_metadata(const std::string& family, const Metadata& metadata) override {
    store_.set_metadata(family, metadata);
  }

 private:
  class Writer;
  storage::Appender& store_;
  const std::span<const std::shared_ptr<SendTarget>> targets_;
};

}  // namespace nines::collector
