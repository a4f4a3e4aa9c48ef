#pragma once
// A folder of its own on the real file system, gone with the object.

#include <cstdlib>
#include <filesystem>
#include <string>

namespace nines::testing {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "nines-test-").string();
    name.append(6, 'X');  // what mkdtemp fills in
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string() : name;
  }
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace nines::testing
