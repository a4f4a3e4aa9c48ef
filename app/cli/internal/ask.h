#pragma once
// Asking a running nines, and printing what it says.

#include <string>
#include <utility>
#include <vector>

#include "app/cli/cli.h"
#include "app/cli/internal/verbs.h"
#include "base/text/json.h"

namespace nines::app {

using Params = std::vector<std::pair<std::string, std::string>>;
using Row = std::vector<std::string>;

struct Answer {
  int exit_code = kExitOk;
  std::string text;
  Json json;
};

// Says on stderr what went wrong; `exit_code` then is not kExitOk.
Answer ask(const ClientOptions& client, const std::string& method, const std::string& path,
           const Params& params);

// The same with a JSON body.
Answer ask_with_body(const ClientOptions& client, const std::string& method,
                     const std::string& path, std::string body);

// A table, or CSV where that was asked for.
void print_rows(const ClientOptions& client, const Row& head, const std::vector<Row>& rows);

}  // namespace nines::app
