/*
 * The floor: the cost of a broadcast that does nothing but send().
 *
 *     cc -O2 -o floor floor.c && ./floor PORT
 *
 * One thread, epoll. GET keeps the connection and adds it to the only topic; POST /v1/publish sends
 * each line of its body, as one server-sent event and one send(), to every connection. A connection
 * whose socket is full is closed: the floor omits the back-pressure handling of a real server.
 * Listens on 127.0.0.1 only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES_MAX = 20000, REQUEST_BYTES_MAX = 1 << 20, EVENTS_MAX = 1024 };

/* Unfinished requests. Streams have none: `streaming` says so. */
struct client {
  char *request;
  size_t length;
  int streaming;
  int place;
};

static struct client clients[FILES_MAX];
static int streams[FILES_MAX];
static int streams_count;

static void forget(int fd) {
  struct client *client = &clients[fd];
  if (client->streaming) {
    int last = streams[--streams_count];
    streams[client->place] = last;
    clients[last].place = client->place;
  }
  free(client->request);
  memset(client, 0, sizeof *client);
  close(fd);
}

static int send_all(int fd, const char *bytes, size_t length) {
  ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == (ssize_t)length ? 0 : -1;
}

static void broadcast(const char *line, size_t length) {
  static char frame[REQUEST_BYTES_MAX + 64];
  int size = snprintf(frame, sizeof frame, "id: 1\nevent: load\ndata: %.*s\n\n", (int)length, line);
  for (int index = streams_count - 1; index >= 0; index--) {
    int fd = streams[index];
    if (send_all(fd, frame, (size_t)size) != 0) forget(fd);
  }
}

static void answer(int fd, const char *status) {
  char head[128];
  int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);
  if (send_all(fd, head, (size_t)size) != 0) forget(fd);
}

/* Acts on one whole request; returns its length, or 0 while it is not whole. */
static size_t act(int fd) {
  struct client *client = &clients[fd];
  char *end = strstr(client->request, "\r\n\r\n");
  if (end == NULL) return 0;
  size_t head = (size_t)(end - client->request) + 4;
  if (strncmp(client->request, "POST", 4) == 0) {
    const char *field = strcasestr(client->request, "\r\ncontent-length:");
    size_t body = field != NULL && field < end ? (size_t)strtoul(field + 17, NULL, 10) : 0;
    if (client->length < head + body) return 0;
    const char *line = client->request + head;
    const char *stop = line + body;
    while (line < stop) {
      const char *next = memchr(line, '\n', (size_t)(stop - line));
      if (next == NULL) next = stop;
      broadcast(line, (size_t)(next - line));
      line = next + 1;
    }
    answer(fd, "202 Accepted");
    return head + body;
  }
  if (strncmp(client->request, "GET /v1/events", 14) != 0) {
    answer(fd, "200 OK");
    return head;
  }
  static const char hello[] =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n"
      "event: connection\ndata: {}\n\n";
  client->streaming = 1;
  client->place = streams_count;
  streams[streams_count++] = fd;
  if (send_all(fd, hello, sizeof hello - 1) != 0) forget(fd);
  return head;
}

static void receive(int fd) {
  static char bytes[65536];
  ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) forget(fd);
    return;
  }
  struct client *client = &clients[fd];
  if (client->streaming) return;
  if (client->length + (size_t)got > REQUEST_BYTES_MAX) {
    forget(fd);
    return;
  }
  client->request = realloc(client->request, client->length + (size_t)got + 1);
  memcpy(client->request + client->length, bytes, (size_t)got);
  client->length += (size_t)got;
  client->request[client->length] = '\0';
  size_t used;
  while (client->request != NULL && client->length > 0 && (used = act(fd)) > 0) {
    if (client->request == NULL) return;
    client->length -= used;
    memmove(client->request, client->request + used, client->length + 1);
    if (client->streaming) break;
  }
  if (client->length == 0) {
    free(client->request);
    client->request = NULL;
  }
}

int main(int count, char **arguments) {
  if (count != 2) {
    fprintf(stderr, "floor PORT\n");
    return 2;
  }
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, 4096) != 0) {
    perror("floor");
    return 1;
  }
  int poll = epoll_create1(0);
  struct epoll_event interest = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest);
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(poll, events, EVENTS_MAX, -1);
    for (int index = 0; index < ready; index++) {
      int fd = events[index].data.fd;
      if (fd != listener) {
        receive(fd);
        continue;
      }
      for (int fresh; (fresh = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (fresh >= FILES_MAX) {
          close(fresh);
          continue;
        }
        setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event more = {.events = EPOLLIN, .data.fd = fresh};
        epoll_ctl(poll, EPOLL_CTL_ADD, fresh, &more);
      }
    }
  }
}
