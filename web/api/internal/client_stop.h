#pragma once
// Ends what a request asked for when its client hangs up.

#include <memory>

#include "storage/api/querier.h"
#include "web/http/http.h"

namespace nines::web {

// While it lives, the client's going sets the flag. Reads that go on for long look at it.
class ClientStop {
 public:
  explicit ClientStop(const Request& request)
      : client_(request.client), flag_(std::make_shared<storage::StopFlag>()) {
    if (client_) client_->when_gone([flag = flag_] { flag->stop = true; });
  }
  ~ClientStop() {
    if (client_) client_->when_gone({});
  }
  ClientStop(const ClientStop&) = delete;
  ClientStop& operator=(const ClientStop&) = delete;

  const storage::StopFlag* flag() const { return flag_.get(); }
  const std::shared_ptr<storage::StopFlag>& shared() const { return flag_; }

 private:
  const std::shared_ptr<ClientWatch> client_;
  const std::shared_ptr<storage::StopFlag> flag_;
};

}  // namespace nines::web
