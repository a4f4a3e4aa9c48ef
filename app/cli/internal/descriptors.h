#pragma once

namespace nines::app {

// Allows this process as many open files as the system lets it: every segment and connection is one.
void raise_descriptor_limit();

}  // namespace nines::app
