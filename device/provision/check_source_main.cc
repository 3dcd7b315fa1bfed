// `tercet check-source` without the rest of tercet: made by scripts/no-secrets with one call of the compiler.
#include <iostream>
#include <string>
#include <vector>

#include "provision/source_walk.h"

int main(int argc, char** argv) {
  return tercet::provision::check_source(std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
}
