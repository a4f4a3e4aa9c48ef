// Shell patterns over Fs, one path component at a time.
#include <algorithm>
#include <utility>

#include "base/fs/fs.h"

namespace nines {
namespace {

constexpr std::size_t kDepthMax = 32;  // of what ** may descend

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

// Matches [...] at the head of `pattern` against `c`. Returns the length of the class, 0 when it is
// not closed (then '[' stands for itself).
std::size_t match_class(std::string_view pattern, char c, bool& matched) {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  matched = false;
  for (const std::size_t first = i; i < pattern.size(); ++i) {
    if (pattern[i] == ']' && i > first) {
      matched = matched != negated;
      return i + 1;
    }
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    const auto u = static_cast<unsigned char>(c);
    if (low <= u && u <= high) matched = true;
  }
  return 0;
}

// One component. Backtracks to the last '*' only, so the cost is at most pattern times name.
bool matches(std::string_view pattern, std::string_view name) {
  if (!name.empty() && name[0] == '.' && (pattern.empty() || pattern[0] != '.')) return false;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = pattern.npos;
  std::size_t star_name = 0;
  while (n < name.size()) {
    bool step = false;
    std::size_t length = 1;
    if (p < pattern.size()) {
      if (pattern[p] == '*') {
        star = p++;
        star_name = n;
        continue;
      }
      if (pattern[p] == '?') {
        step = true;
      } else if (pattern[p] == '[' &&
                 (length = match_class(pattern.substr(p), name[n], step)) != 0) {
        // `step` says whether the class takes the character
      } else {
        const bool escaped = pattern[p] == '\\' && p + 1 < pattern.size();
        length = escaped ? 2 : 1;
        step = pattern[escaped ? p + 1 : p] == name[n];
      }
    }
    if (step) {
      p += length;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

class Walk {
 public:
  Walk(Fs& fs, std::vector<std::string> parts) : fs_(fs), parts_(std::move(parts)) {}

  // `base` is "" (the working directory), "/" or a path that ends in '/'.
  Result<void> at(const std::string& base, std::size_t part) {
    if (part == parts_.size()) return {};
    if (parts_[part] == "**") return any_depth(base, part);
    if (!has_wildcard(parts_[part])) return take(base + parts_[part], part);
    NINES_TRY(const std::vector<std::string> names, names_of(base, part));
    for (const std::string& name : names) {
      if (!matches(parts_[part], name)) continue;
      if (Result<void> r = take(base + name, part); !r) return r;
    }
    return {};
  }

  std::vector<std::string> found() && {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  Result<void> take(const std::string& path, std::size_t part) {
    const Result<FileInfo> info = fs_.info(path);
    if (!info) return {};  // gone since, or a dangling link
    if (part + 1 == parts_.size()) {
      if (!info->is_directory) found_.push_back(path);
      return {};
    }
    return info->is_directory ? at(path + "/", part + 1) : Result<void>();
  }

  Result<void> any_depth(const std::string& base, std::size_t part) {
    if (part + 1 == parts_.size()) {
      parts_.push_back("*");  // a closing ** takes every file below
    }
    if (Result<void> r = at(base, part + 1); !r) return r;
    if (trail_.size() >= kDepthMax) return {};
    NINES_TRY(const std::vector<std::string> names, names_of(base, part));
    for (const std::string& name : names) {
      if (name[0] == '.') continue;
      const Result<FileInfo> info = fs_.info(base + name);
      if (!info || !info->is_directory) continue;
      // A link to a folder we are inside of would go round for ever.
      const std::pair id(info->device, info->inode);
      if (std::find(trail_.begin(), trail_.end(), id) != trail_.end()) continue;
      trail_.push_back(id);
      Result<void> r = any_depth(base + name + "/", part);
      trail_.pop_back();
      if (!r) return r;
    }
    return {};
  }

  // A folder below a wildcard that may not be read hides its files; the first one is an error.
  Result<std::vector<std::string>> names_of(const std::string& base, std::size_t part) {
    Result<std::vector<std::string>> names = fs_.list(base.empty() ? "." : base);
    if (names) return names;
    const bool below =
        std::any_of(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(part),
                    [](const std::string& p) { return has_wildcard(p); });
    if (below || !trail_.empty() || names.error().code() == ErrorCode::kNotFound) {
      return std::vector<std::string>();
    }
    return names;
  }

  Fs& fs_;
  std::vector<std::string> parts_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> trail_;  // the folders a ** is inside of
  std::vector<std::string> found_;
};

}  // namespace

Result<std::vector<std::string>> glob_files(Fs& fs, const std::string& pattern) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : pattern + "/") {
    if (c != '/') {
      part += c;
    } else if (!part.empty()) {
      parts.push_back(std::exchange(part, {}));
    }
  }
  if (parts.empty()) return Error(ErrorCode::kInvalid, "empty file pattern");
  Walk walk(fs, std::move(parts));
  if (Result<void> r = walk.at(pattern[0] == '/' ? "/" : "", 0); !r) return std::move(r).error();
  return std::move(walk).found();
}

}  // namespace nines
