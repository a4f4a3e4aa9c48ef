#pragma once
// What the JUnit XML reports of several verbs need.

#include <string>
#include <string_view>

namespace nines::app {

// Text for an attribute or an element of XML 1.0; control characters that XML cannot carry are left
// out (w3.org/TR/xml, production 2, Char).
std::string xml_escape(std::string_view text);

}  // namespace nines::app
