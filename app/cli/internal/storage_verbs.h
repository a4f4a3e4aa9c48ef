#pragma once
// Verbs that look into a data folder.

#include <string>

namespace nines::app {

struct StorageOptions {
  std::string data;   // the folder; empty: default_data_path()
  bool json = false;  // else tables for people
};

// Every segment of the ring.
int storage_list(const StorageOptions& options);
// Every checksum; kExitFailure when one does not hold.
int verify_storage(const StorageOptions& options);

struct BackupVerbOptions {
  std::string folder;  // of the backup
  std::string data;    // the data folder; empty: default_data_path()
  bool force = false;  // restore: replace what nines keeps in the data folder
};
int backup_storage(const BackupVerbOptions& options);
int restore_storage(const BackupVerbOptions& options);

}  // namespace nines::app
