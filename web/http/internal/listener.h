#pragma once
// The listening socket, and who holds a port that is taken.

#include <string>
#include <string_view>

#include "base/core/result.h"

namespace nines::web {

struct Listener {
  int fd = -1;
  std::string host;       // as asked for, without brackets
  int port = 0;           // the real one
  bool loopback = false;  // reachable from this machine only
};

// "127.0.0.1:9999", "[::1]:9999", "localhost:0", ":9999" (every address). Backlog 4096,
// SO_REUSEADDR and never SO_REUSEPORT, so that two servers cannot share a port unknowingly.
// kInvalid: the text is no address. kUnavailable: it cannot be bound.
Result<Listener> open_listener(std::string_view address);

// "NAME (pid 123)" of the process that listens on the TCP port; empty when the system does not
// tell.
std::string port_holder(int port);

// As many file descriptors as the hard limit allows, up to `wanted`: the usual soft limit is 1024.
void raise_descriptor_limit(std::size_t wanted);

// May a page that names the server by this Host header talk to it? A name of the outside world that
// resolves to a loopback address is DNS rebinding.
bool host_is_ours(std::string_view host_header, const Listener& listener);

}  // namespace nines::web
