#include "base/net/internal/tls_files.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nines::net {
namespace {

constexpr std::size_t kFilesMax = 10'000;  // remembered; past it the memory starts over

Error unreadable(const std::string& path, const std::string& why) {
  return {ErrorCode::kUnavailable, "cannot read " + path + ": " + why};
}

}  // namespace

Result<std::shared_ptr<const std::string>> TlsFiles::read(const std::string& path) {
  struct ::stat at {};
  if (::stat(path.c_str(), &at) != 0) return unreadable(path, std::strerror(errno));
  const auto known_of = [](const struct ::stat& s) {
    return Known{s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
  };
  const auto found = files_.find(path);
  if (found != files_.end() && found->second.known == known_of(at)) return found->second.text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return unreadable(path, std::strerror(errno));
  // What is remembered is what was opened, should the name have moved on meanwhile.
  std::string text;
  std::string why;
  if (::fstat(fd, &at) != 0) {
    why = std::strerror(errno);
  } else if (!S_ISREG(at.st_mode)) {
    why = "it is no file";
  } else if (static_cast<std::size_t>(at.st_size) > kTlsFileBytesMax) {
    why = "it is larger than " + std::to_string(kTlsFileBytesMax) + " bytes";
  } else {
    text.resize(static_cast<std::size_t>(at.st_size));
    std::size_t have = 0;
    ssize_t n = 1;
    while (have < text.size() && n > 0) {
      n = ::read(fd, text.data() + have, text.size() - have);
      if (n > 0) have += static_cast<std::size_t>(n);
    }
    if (n < 0) why = std::strerror(errno);
    text.resize(have);
    if (why.empty() && text.empty()) why = "it is empty";
  }
  ::close(fd);
  if (!why.empty()) return unreadable(path, why);
  if (files_.size() >= kFilesMax) files_.clear();
  File& file = files_[path];
  file = {known_of(at), std::make_shared<const std::string>(std::move(text))};
  return file.text;
}

}  // namespace nines::net
