#include "platform/script/worker.h"

int main() { return tercet::script::serve_scripts(); }
