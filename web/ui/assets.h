#pragma once
// The files of the page, embedded in the binary.

#include <span>
#include <string_view>

namespace nines::web {

struct Asset {
  std::string_view path;  // "/assets/app-1a2b3c.js"
  std::string_view content_type;
  std::string_view etag;   // quoted
  std::string_view raw;    // the file
  std::string_view gzip;   // the same compressed; empty where it does not pay
  bool immutable = false;  // its name changes with its content
};

// Every file, index.html under "/". Lives for ever.
std::span<const Asset> ui_assets();
const Asset* find_asset(std::string_view path);

}  // namespace nines::web
