#include "base/net/oauth2.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/fake_http_client.h"
#include "tests/support/sim_clock.h"

namespace nines {
namespace {

using testing::FakeHttpClient;
using testing::make_response;

// A token's server and a target in one, without a network. What the target answers is up to the
// test; tokens are numbered.
struct Stage {
  explicit Stage(const OAuth2Options& options = {}) {
    auto fake = std::make_unique<FakeHttpClient>();
    http = fake.get();
    http->set_handler([this](const HttpRequest& r) { return answer(r); });
    client = make_oauth2_http_client(std::move(fake), scheduler, options);
    OAuth2Config c;
    c.token_url = "https://id/token";
    c.client_id = "me";
    c.client_secret = "s:cret/";
    c.scopes = {"read", "write"};
    c.endpoint_params = {{"audience", "a b"}};
    config = std::make_shared<const OAuth2Config>(c);
  }

  std::optional<Result<HttpResponse>> answer(const HttpRequest& r) {
    if (r.url != config->token_url) {
      if (hold_target) return std::nullopt;
      for (const auto& [name, value] : r.headers) {
        if (name == "Authorization" && value == refused) return make_response(401, "no");
      }
      return make_response(200, "m 1");
    }
    ++asked;
    if (hold) return std::nullopt;
    return token();
  }
  HttpResponse token() {
    if (token_status != 200) return make_response(token_status, token_error);
    return make_response(200,
                         R"({"access_token":"t)" + std::to_string(asked) +
                             R"(","token_type":"bearer","expires_in":)" + life + "}",
                         {{"content-type", "application/json"}});
  }
  HttpRequest request() const {
    HttpRequest r;
    r.url = "http://a/metrics";
    r.oauth2 = config;
    return r;
  }
  HttpCallId send() { return send(request()); }
  HttpCallId send(HttpRequest r) {
    return client->send(std::move(r),
                        [this](Result<HttpResponse> a) { got.push_back(std::move(a)); });
  }
  // What the target was shown last.
  std::string shown() const {
    const HttpHeaders headers = http->calls().back().request.headers;
    for (const auto& [name, value] : headers) {
      if (name == "Authorization") return value;
    }
    return "";
  }

  testing::SimClock clock{from_millis(1'700'000'000'000)};
  testing::SimScheduler scheduler{clock};
  FakeHttpClient* http = nullptr;
  std::shared_ptr<const OAuth2Config> config;
  bool hold = false, hold_target = false;
  int asked = 0;
  int token_status = 200;
  std::string token_error = R"({"error":"invalid_client","error_description":"who are you"})";
  std::string life = "3600";
  std::string refused;
  std::vector<Result<HttpResponse>> got;
  std::unique_ptr<HttpClient> client;
};

TEST_CASE("a token is asked for once, shown to every request and renewed before its end") {
  Stage s;
  s.send();
  REQUIRE(s.got.size() == 1);
  REQUIRE(s.got[0]);
  CHECK(s.got[0]->body == "m 1");
  CHECK(s.shown() == "Bearer t1");
  s.send();
  CHECK(s.asked == 1);
  s.clock.advance(Duration(3'589'000));
  s.send();
  CHECK(s.asked == 1);
  s.clock.advance(Duration(1'000));  // 10 s before it ends
  s.send();
  CHECK(s.asked == 2);
  CHECK(s.shown() == "Bearer t2");
}

TEST_CASE("a token that lives no longer than the margin is used for half its life") {
  Stage s;
  s.life = "8";
  s.send();
  s.clock.advance(Duration(3'999));
  s.send();
  CHECK(s.asked == 1);
  s.clock.advance(Duration(1));
  s.send();
  CHECK(s.asked == 2);
}

TEST_CASE("a token without an end is kept") {
  Stage s;
  s.life = "0";
  s.send();
  s.clock.advance(Duration(400LL * 86'400'000));
  s.send();
  CHECK(s.asked == 1);
}

TEST_CASE("what the token's server is sent") {
  Stage s;
  s.send();
  const HttpRequest r = s.http->calls().at(0).request;
  CHECK(r.method == "POST");
  CHECK(r.url == "https://id/token");
  CHECK(r.body == "grant_type=client_credentials&scope=read%20write&audience=a%20b");
  CHECK(r.headers[0] ==
        std::pair<std::string, std::string>{"Content-Type", "application/x-www-form-urlencoded"});
  // base64 of me:s%3Acret%2F
  CHECK(r.headers.back().second == "Basic bWU6cyUzQWNyZXQlMkY=");
}

TEST_CASE("a server that wants the credentials in the body gets them there, and so from then on") {
  Stage s;
  s.life = "20";
  s.http->answer_next(make_response(401, R"({"error":"invalid_client"})"));
  s.send();
  REQUIRE(s.got.size() == 1);
  REQUIRE(s.got[0]);
  CHECK(s.http->calls().at(1).request.body.ends_with("&client_id=me&client_secret=s%3Acret%2F"));
  s.clock.advance(Duration(60'000));
  s.send();
  CHECK(s.http->calls().at(3).request.body.find("client_secret") != std::string::npos);
}

TEST_CASE("requests that come while a token is on its way wait for that one") {
  Stage s;
  s.hold = true;
  for (int i = 0; i < 3; ++i) s.send();
  CHECK(s.asked == 1);
  CHECK(s.got.empty());
  REQUIRE(s.http->answer_oldest(s.token()));
  CHECK(s.got.size() == 3);
  for (const auto& one : s.got) CHECK(one);
}

TEST_CASE("other credentials have another token") {
  Stage s;
  s.send();
  OAuth2Config other = *s.config;
  other.scopes = {"read"};
  HttpRequest r = s.request();
  r.oauth2 = std::make_shared<const OAuth2Config>(other);
  s.send(r);
  CHECK(s.asked == 2);
}

TEST_CASE("401 renews the token and sends the request again, once") {
  Stage s;
  s.send();
  s.refused = "Bearer t1";
  s.clock.advance(Duration(1'000));
  s.send();
  REQUIRE(s.got.size() == 2);
  CHECK(s.got[1]->status == 200);
  CHECK(s.asked == 2);
  CHECK(s.shown() == "Bearer t2");
  s.refused = "Bearer t2";
  s.clock.advance(Duration(999));
  s.send();  // a token that young was not refused for its age
  CHECK(s.got[2]->status == 401);
  CHECK(s.asked == 2);
}

TEST_CASE("without a token the request fails and says why; the server is left alone for a moment") {
  Stage s;
  s.token_status = 400;
  s.send();
  REQUIRE(s.got.size() == 1);
  REQUIRE_FALSE(s.got[0]);
  CHECK(s.got[0].error().code() == ErrorCode::kUnavailable);
  CHECK(s.got[0].error().what() ==
        "oauth2: the token's server answered HTTP 400: invalid_client, who are you");
  CHECK(s.asked == 2);  // both ways
  s.clock.advance(Duration(999));
  s.send();
  CHECK_FALSE(s.got[1]);
  CHECK(s.asked == 2);
  s.token_status = 200;
  s.clock.advance(Duration(1));
  s.send();
  CHECK(s.got[2]);
  CHECK(s.asked == 3);
}

TEST_CASE("an answer without a token is named") {
  for (const char* body : {"{}", "not json", R"({"access_token":""})"}) {
    Stage s;
    s.http->answer_next(make_response(200, body));
    s.send();
    REQUIRE(s.got.size() == 1);
    REQUIRE_FALSE(s.got[0]);
    CHECK(s.got[0].error().what() ==
          "oauth2: the answer of the token's server has no access_token");
  }
}

TEST_CASE("a form in place of JSON is read too") {
  Stage s;
  s.http->answer_next(make_response(200, "access_token=a%2Bb&token_type=Custom&expires_in=60",
                                    {{"content-type", "text/plain; charset=utf-8"}}));
  s.send();
  CHECK(s.shown() == "Custom a+b");
}

TEST_CASE("the request's timeout covers the wait for a token") {
  Stage s;
  s.hold = true;
  HttpRequest r = s.request();
  r.timeout = Duration(2'000);
  s.send(r);
  s.scheduler.run_for(Duration(1'999));
  CHECK(s.got.empty());
  s.scheduler.run_for(Duration(1));
  REQUIRE(s.got.size() == 1);
  CHECK(s.got[0].error().what() == "oauth2: timed out after 2s while waiting for a token");
  // The token comes late, for the next one.
  REQUIRE(s.http->answer_oldest(s.token()));
  s.send();
  CHECK(s.got.back());
  CHECK(s.asked == 1);
  // What the wait took is missing afterwards.
  Stage late;
  late.hold = true;
  late.send(r);
  late.clock.advance(Duration(500));
  REQUIRE(late.http->answer_oldest(late.token()));
  CHECK(late.http->calls().back().request.timeout == Duration(1'500));
}

TEST_CASE("a cancelled call is not answered, before its token and after") {
  Stage s;
  s.hold = true;
  const HttpCallId waiting = s.send();
  s.client->cancel(waiting);
  REQUIRE(s.http->answer_oldest(s.token()));
  CHECK(s.got.empty());
  CHECK(s.http->call_count() == 1);  // the target was not asked
  s.hold = false;
  s.hold_target = true;
  const HttpCallId asking = s.send();
  REQUIRE(s.http->held_count() == 1);
  s.client->cancel(asking);
  CHECK(s.http->held_count() == 0);
  CHECK(s.got.empty());
  s.client->cancel(asking);  // again, and one that never was
  s.client->cancel(HttpCallId::kNone);
}

TEST_CASE("a request without oauth2 passes as it is") {
  Stage s;
  HttpRequest r = s.request();
  r.oauth2 = nullptr;
  s.send(r);
  CHECK(s.got.size() == 1);
  CHECK(s.asked == 0);
  CHECK(s.shown().empty());
}

TEST_CASE("tokens are kept up to a bound, the one used last longest") {
  OAuth2Options options;
  options.tokens_max = 2;
  Stage s(options);
  const auto ask = [&](const std::string& id) {
    OAuth2Config other = *s.config;
    other.client_id = id;
    HttpRequest r = s.request();
    r.oauth2 = std::make_shared<const OAuth2Config>(other);
    s.clock.advance(Duration(1));
    s.send(r);
  };
  ask("a");
  ask("b");
  ask("a");
  ask("c");  // b's place
  CHECK(s.asked == 3);
  ask("a");
  CHECK(s.asked == 3);
  ask("b");
  CHECK(s.asked == 4);
}

TEST_CASE("a client that goes drops what waits") {
  Stage s;
  s.hold = true;
  s.send();
  s.client.reset();
  s.scheduler.run_for(Duration(60'000));
  CHECK(s.got.empty());
}

}  // namespace
}  // namespace nines
