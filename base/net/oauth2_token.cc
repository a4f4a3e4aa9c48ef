#include "base/net/internal/oauth2_token.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/net/internal/tls_files.h"
#include "base/text/json.h"
#include "base/text/numbers.h"
#include "base/text/text.h"

namespace nines::net {
namespace {

constexpr std::size_t kAnswerShown = 200;
constexpr double kLifeMax = 10.0 * 365 * 86'400;  // seconds; longer is for ever

Error no_token(std::string why) {
  return {ErrorCode::kUnavailable, "oauth2: " + std::move(why)};
}

std::string form_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    out += (out.empty() ? "" : "&") + url_encode(name) + "=" + url_encode(value);
  }
  return out;
}

struct Fields {
  std::string access_token, token_type, error, description;
  double life = 0;
};

Fields fields_of(const HttpResponse& answer) {
  Fields out;
  const std::string type = to_lower(trim(split(answer.header("content-type"), ';').front()));
  if (type == "application/x-www-form-urlencoded" || type == "text/plain") {  // some old servers
    for (const std::string_view pair : split(trim(answer.body), '&')) {
      const std::size_t equals = std::min(pair.find('='), pair.size());
      const std::string name = url_decode(pair.substr(0, equals), true).value_or("");
      const std::string value =
          url_decode(pair.substr(std::min(equals + 1, pair.size())), true).value_or("");
      if (name == "access_token") out.access_token = value;
      if (name == "token_type") out.token_type = value;
      if (name == "error") out.error = value;
      if (name == "error_description") out.description = value;
      if (name == "expires_in") out.life = static_cast<double>(parse_int(value).value_or(0));
    }
    if (!out.access_token.empty() || !out.error.empty()) return out;
  }
  const Result<Json> json = Json::parse(answer.body);
  if (!json) return out;
  out.access_token = (*json)["access_token"].as_string();
  out.token_type = (*json)["token_type"].as_string();
  out.error = (*json)["error"].as_string();
  out.description = (*json)["error_description"].as_string();
  const Json& life = (*json)["expires_in"];  // some write the number as a text
  out.life = life.is_string() ? static_cast<double>(parse_int(life.as_string()).value_or(0))
                              : life.as_double();
  return out;
}

}  // namespace

Result<HttpRequest> token_request(const OAuth2Config& c, bool in_body,
                                  const OAuth2Options& options) {
  std::string secret = c.client_secret;
  if (!c.client_secret_file.empty()) {
    NINES_TRY(const auto text, TlsFiles().read(c.client_secret_file));
    secret = trim(*text);
  }
  std::vector<std::pair<std::string, std::string>> form = {{"grant_type", "client_credentials"}};
  if (!c.scopes.empty()) form.emplace_back("scope", join(c.scopes, " "));
  form.insert(form.end(), c.endpoint_params.begin(), c.endpoint_params.end());
  HttpRequest request;
  request.method = "POST";
  request.url = c.token_url;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  if (in_body) {
    form.emplace_back("client_id", c.client_id);
    form.emplace_back("client_secret", secret);
  } else {
    request.headers.emplace_back(
        "Authorization",
        "Basic " + base64_encode(url_encode(c.client_id) + ":" + url_encode(secret)));
  }
  request.body = form_of(form);
  request.timeout = options.token_timeout;
  request.body_bytes_max = options.answer_bytes_max;
  request.tls = c.tls;
  request.proxy = c.proxy;
  return request;
}

Result<OAuth2Token> read_token(const Result<HttpResponse>& answer) {
  if (!answer) return no_token("no token: " + answer.error().what());
  const Fields fields = fields_of(*answer);
  if (answer->status / 100 != 2 || !fields.error.empty()) {
    std::string why = fields.error.empty() ? std::string(trim(answer->body)) : fields.error;
    if (!fields.description.empty()) why += ", " + fields.description;
    why = why.substr(0, kAnswerShown);
    return no_token("the token's server answered HTTP " + std::to_string(answer->status) +
                    (why.empty() ? "" : ": " + why));
  }
  if (fields.access_token.empty()) {
    return no_token("the answer of the token's server has no access_token");
  }
  OAuth2Token token;
  const std::string type = to_lower(fields.token_type);
  token.authorization =
      (type.empty() || type == "bearer" ? "Bearer" : fields.token_type) + " " + fields.access_token;
  if (std::isfinite(fields.life) && fields.life > 0 && fields.life < kLifeMax) {
    token.life = Duration(static_cast<Duration::rep>(fields.life * 1'000));
  }
  return token;
}

}  // namespace nines::net
