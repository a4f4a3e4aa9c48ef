#pragma once
// The command line. Data on stdout, talk on stderr.

namespace nines::app {

// Exit codes of every verb.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitLint = 3;
inline constexpr int kExitNotFound = 4;
inline constexpr int kExitGateBlocked = 10;
inline constexpr int kExitGateNoData = 11;
inline constexpr int kExitUnreachable = 12;

// Parses the arguments, runs the verb, returns its exit code. Prints everything itself.
int run_command_line(int argc, char** argv);

}  // namespace nines::app
