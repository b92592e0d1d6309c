// What ends the program with a message.
#pragma once
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

/** Says what is wrong, as printf does, and ends the program. */
[[noreturn]] __attribute__((format(printf, 1, 2))) inline void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("native-train: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}
