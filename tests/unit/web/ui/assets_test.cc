#include "web/ui/assets.h"

#include <set>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace nines::web {
namespace {

// Every value of attribute `name` in the page, such as src="...".
std::set<std::string> attribute_values(std::string_view html, std::string_view name) {
  std::set<std::string> values;
  const std::string start = std::string(name) + "=\"";
  for (std::size_t at = html.find(start); at != std::string_view::npos; at = html.find(start, at)) {
    at += start.size();
    const std::size_t end = html.find('"', at);
    values.emplace(html.substr(at, end - at));
  }
  return values;
}

TEST_CASE("the page is under / and may change under the same name") {
  const Asset* page = find_asset("/");
  REQUIRE(page != nullptr);
  CHECK(page->content_type == "text/html; charset=utf-8");
  CHECK(page->raw.starts_with("<!doctype html>"));
  CHECK_FALSE(page->immutable);
}

TEST_CASE("every file that the page names is embedded, and its name changes with its content") {
  const std::string_view html = find_asset("/")->raw;
  std::set<std::string> named = attribute_values(html, "src");
  named.merge(attribute_values(html, "href"));
  REQUIRE(named.size() >= 3);
  for (const std::string& path : named) {
    CAPTURE(path);
    const Asset* asset = find_asset(path);
    REQUIRE(asset != nullptr);
    CHECK(asset->immutable);
  }
}

TEST_CASE(
    "the page holds no script, style or handler of its own, so that a strict CSP lets it run") {
  const std::string_view html = find_asset("/")->raw;
  CHECK(html.find("<style") == std::string_view::npos);
  CHECK(html.find(" style=") == std::string_view::npos);
  CHECK(html.find(" onload=") == std::string_view::npos);
  CHECK(html.find("></script>") != std::string_view::npos);
  CHECK(html.find("<script>") == std::string_view::npos);
}

TEST_CASE("paths and entity tags are unique; compressed forms are gzip and smaller") {
  std::set<std::string_view> paths;
  std::set<std::string_view> etags;
  for (const Asset& asset : ui_assets()) {
    CAPTURE(asset.path);
    CHECK(paths.insert(asset.path).second);
    CHECK(etags.insert(asset.etag).second);
    CHECK(asset.etag.size() == 34);
    CHECK(asset.etag.front() == '"');
    CHECK(asset.etag.back() == '"');
    CHECK_FALSE(asset.raw.empty());
    CHECK_FALSE(asset.content_type.empty());
    if (asset.gzip.empty()) continue;
    CHECK(asset.gzip.starts_with("\x1f\x8b"));
    CHECK(asset.gzip.size() < asset.raw.size());
  }
}

TEST_CASE("an unknown path is no asset") {
  CHECK(find_asset("/assets/none.js") == nullptr);
  CHECK(find_asset("") == nullptr);
}

TEST_CASE("the page names no other host") {
  for (const Asset& asset : ui_assets()) {
    if (!asset.path.ends_with(".js") && !asset.path.ends_with(".css")) continue;
    CAPTURE(asset.path);
    CHECK(asset.raw.find("https://") == std::string_view::npos);
  }
}

}  // namespace
}  // namespace nines::web
