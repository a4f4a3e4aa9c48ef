#pragma once
// protozero's reader, for messages from strangers. What the library only asserts, that a field is of
// the wire type its reader asks for, is refused like any other damage: protozero::exception.
// The one place that includes it, or a part of the program would check and another not.

#include <protozero/exception.hpp>

#ifdef protozero_assert
#error "include base/text/protobuf.h before any header of protozero"
#endif

namespace nines {

struct WrongWireType : protozero::exception {
  const char* what() const noexcept override { return "field of a wrong wire type"; }
};
inline void require_wire_type(bool right) {
  if (!right) throw WrongWireType();
}

}  // namespace nines

#define protozero_assert(expression) ::nines::require_wire_type(expression)
#include <protozero/pbf_reader.hpp>
