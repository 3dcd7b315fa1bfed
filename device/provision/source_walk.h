#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace tercet::provision {

/// Reads the text files under the paths and writes each secret found to `err` as file:line, with cause and remedy at
/// the end; to `out` one line when there is none. Left out: hidden files, files over 2 MB or with zero bytes, links,
/// folders node_modules and managed_components, build folders (with a CMakeCache.txt). Gives the exit code: 0 none
/// found; 1 found; 2 a path that cannot be read, or none given.
int check_source(const std::vector<std::string>& paths, std::ostream& out, std::ostream& err);

}  // namespace tercet::provision
