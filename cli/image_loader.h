#pragma once
#include <string>

namespace tercet::cli {

/// What a boot loader is on a board, for `tercet device --ota DIR`: a process that chooses the image in DIR
/// (posix::ImageDirectory), runs it as its child with the same arguments, and does so again when the child restarts. An
/// image that is a program (ELF) or a script (`#!`) is executed; any other is data, and this executable runs it. An
/// image on trial that ends by a fault is left for the one before.

/// How a board asks for a restart: the exit code of its process.
inline constexpr int kRestartCode = 75;

/// Whether this process is an image that was started by a loader, for this directory.
bool is_booted_from(const std::string& directory);
/// Whether the image before this one, on trial, ended by a fault.
bool was_ended_by_fault();

/// Runs images until one ends for good, or SIGINT or SIGTERM came; those are handed on. An empty directory is given a
/// first image that says first_version. Returns the exit code; 2 when the directory cannot be used, or another loader
/// uses it.
int load_images(const std::string& directory, const std::string& first_version);

}  // namespace tercet::cli
