/*
 * The floor of a reader: the cost of reading a broadcast with nothing but recv() and one
 * comparison.
 *
 *     cc -O2 -o reader reader.c && ./reader PORT CONNECTIONS
 *
 * One thread, epoll, edge-triggered. Opens the connections to 127.0.0.1, prints `ready`, and reads
 * until its standard input ends; then prints its reads and their CPU as JSON:
 * {"reads":…,"same":…,"userUs":…,"systemUs":…}. `same`: reads with the same length and bytes as the
 * one before.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, BUFFER_BYTES = 65536, CONNECTIONS_PER_ADDRESS = 8192 };

static double microseconds(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static int open_stream(int port, int number) {
  static const char request[] = "GET /v1/events?topic=video%3Aload-0 HTTP/1.1\r\nHost: bench\r\n"
                                "Accept: text/event-stream\r\n\r\n";
  /* Source addresses that the generator's own processes do not use. */
  in_addr_t block = htonl(0x7fc80101u + (unsigned)(number / CONNECTIONS_PER_ADDRESS));
  struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = block};
  struct sockaddr_in server = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof source) != 0 ||
      connect(fd, (struct sockaddr *)&server, sizeof server) != 0 ||
      send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) {
    perror("reader");
    exit(1);
  }
  return fd;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "reader PORT CONNECTIONS\n");
    return 2;
  }
  int poll = epoll_create1(0);
  for (int number = 0; number < atoi(arguments[2]); number++) {
    int fd = open_stream(atoi(arguments[1]), number);
    struct epoll_event interest = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &interest);
  }
  struct epoll_event end = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
  epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &end);
  /* The heads of the responses are not measured. */
  sleep(1);
  puts("ready");
  fflush(stdout);

  static char bytes[BUFFER_BYTES], before[BUFFER_BYTES];
  static struct epoll_event events[EVENTS_MAX];
  ssize_t length = 0;
  long reads = 0, same = 0;
  struct rusage from, to;
  getrusage(RUSAGE_SELF, &from);
  for (int reading = 1; reading;) {
    int ready = epoll_wait(poll, events, EVENTS_MAX, -1);
    for (int index = 0; index < ready; index++) {
      if (events[index].data.fd == STDIN_FILENO) {
        reading = 0;
        continue;
      }
      ssize_t got = recv(events[index].data.fd, bytes, sizeof bytes, MSG_DONTWAIT);
      if (got <= 0) continue;
      reads++;
      if (got == length && memcmp(bytes, before, (size_t)got) == 0) {
        same++;
      } else {
        memcpy(before, bytes, (size_t)got);
        length = got;
      }
    }
  }
  getrusage(RUSAGE_SELF, &to);
  printf("{\"reads\":%ld,\"same\":%ld,\"userUs\":%.0f,\"systemUs\":%.0f}\n", reads, same,
         microseconds(to.ru_utime) - microseconds(from.ru_utime),
         microseconds(to.ru_stime) - microseconds(from.ru_stime));
  return 0;
}
