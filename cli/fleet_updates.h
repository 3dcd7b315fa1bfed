#pragma once
#include <string>
#include <vector>

#include "cli/fleet_update_board.h"

namespace tercet::cli {

/// A process' memory in MB: before the first image was offered, at most, and when all was over.
struct MemoryCourse {
  double before = 0, peak = 0, after = 0;
};

struct FleetUpdateResult {
  std::uint32_t boards = 0;
  std::uint32_t online = 0;   ///< before the update, at most
  std::uint32_t offered = 0;  ///< took an offer
  std::uint32_t updated = 0;  ///< run the wanted version, confirmed, and have told so
  std::uint32_t image_bytes = 0;
  double connect_seconds = 0;
  double seconds = 0;                 ///< from the first offer taken to the last board that was updated, or to the end
  std::vector<double> board_seconds;  ///< of each updated board, from the first offer of all, sorted
  std::size_t distinct_sectors =
      0;  ///< that the flash of all boards holds: those of the image, and some of supplies cut
  FleetUpdateCounts counts;
  MemoryCourse platform;
  std::uint32_t behind() const { return boards - updated; }
  bool ok() const { return behind() == 0; }
};

/// Memory of a process in MB, 0 when it is not there: VmRSS of /proc/PID/status.
double resident_mb(int process);

/// Runs the boards until all are updated, or the time is over. False, with `problem`, when it could not even begin.
bool update_fleet(const FleetOptions& options, const std::vector<Triple>& triples, FleetUpdateResult& result,
                  std::string& problem);
/// One line of JSON.
std::string render(const FleetOptions& options, const FleetUpdateResult& result);

}  // namespace tercet::cli
