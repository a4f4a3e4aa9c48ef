#pragma once
// Giving memory back.

namespace nines {

// Leaves `container` empty and without memory. `container = {}` and clear() keep what a vector, a
// string or a hash table has taken: the first assigns a list of no elements.
template <typename Container>
void release(Container& container) {
  Container().swap(container);
}

}  // namespace nines
