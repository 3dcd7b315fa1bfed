#pragma once
// lwIP's sockets are POSIX's: for the tests on Linux they are Linux's.
#include <netinet/in.h>
#include <sys/socket.h>
