#pragma once
// Silences, in Alertmanager's terms.

#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/result.h"
#include "base/model/matcher.h"

namespace nines::storage {

struct Silence {
  std::string id;                 // UUID
  std::vector<Matcher> matchers;  // all must match
  Timestamp starts_at{};
  Timestamp ends_at{};
  Timestamp updated_at{};
  std::string created_by;
  std::string comment;
};

class SilenceStore {
 public:
  virtual ~SilenceStore() = default;
  virtual Result<std::vector<Silence>> load_silences() = 0;
  virtual Result<void> save_silence(const Silence& silence) = 0;   // by id; on disk when it returns
  virtual Result<void> remove_silence(const std::string& id) = 0;  // an unknown id is no error
};

}  // namespace nines::storage
