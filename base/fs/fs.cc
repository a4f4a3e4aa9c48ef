#include "base/fs/fs.h"

#include <algorithm>

namespace nines {

Result<std::string> read_file(Fs& fs, const std::string& path, std::uint64_t bytes_max) {
  NINES_TRY(const std::unique_ptr<File> file, fs.open(path, OpenMode::kRead));
  // Files of /proc say they have no size, so the end is where a read comes back short; one large
  // read first, because a file of /proc is only consistent within one call.
  constexpr std::size_t kStep = 64u << 10;
  std::string text;
  for (;;) {
    const std::size_t have = text.size();
    // One byte past the cap tells "exactly full" from "too long".
    const std::size_t want = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(kStep, have), bytes_max - have + 1));
    text.resize(have + want);
    NINES_TRY(const std::size_t got,
              file->pread(have, std::as_writable_bytes(std::span(text.data() + have, want))));
    text.resize(have + got);
    if (text.size() > bytes_max) {
      return Error(ErrorCode::kLimit,
                   path + ": larger than " + std::to_string(bytes_max) + " bytes");
    }
    if (got < want) return text;
  }
}

Result<void> write_file_atomically(Fs& fs, const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  const auto write = [&]() -> Result<void> {
    NINES_TRY(const std::unique_ptr<File> file, fs.open(temporary, OpenMode::kCreate));
    // A crash may have left one behind.
    if (Result<void> r = file->truncate(0); !r) return r;
    if (Result<void> r = file->pwrite(0, std::as_bytes(std::span(text))); !r) return r;
    return file->sync();
  };
  Result<void> done = write();
  if (done) done = fs.rename(temporary, path);
  if (!done) {
    const Result<void> removed = fs.remove(temporary);  // what stays is overwritten next time
    static_cast<void>(removed);
  }
  return done;
}

}  // namespace nines
