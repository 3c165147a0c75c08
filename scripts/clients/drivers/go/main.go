// Reads an event stream with one client library and prints each event as a line of JSON:
// `main CLIENT URL`.
package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"
)

const pause = 300 * time.Millisecond

var clients = map[string]func(url string){"bufio.Scanner": scan}

func say(kind, data, id string) {
	if kind != "goal" {
		return
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"data": data, "id": id})
}

// As many programs do it: lines of at most 64 KiB, and the request again when they end.
func scan(url string) {
	last := ""
	for {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			panic(err)
		}
		if last != "" {
			request.Header.Set("Last-Event-ID", last)
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			id, kind, data := "", "", ""
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				line := lines.Text()
				if line == "" {
					say(kind, data, id)
					if id != "" {
						last = id
					}
					kind, data = "", ""
				} else if value, ok := strings.CutPrefix(line, "id: "); ok {
					id = value
				} else if value, ok := strings.CutPrefix(line, "event: "); ok {
					kind = value
				} else if value, ok := strings.CutPrefix(line, "data: "); ok {
					data = value
				}
			}
			answer.Body.Close()
		}
		time.Sleep(pause)
	}
}

func main() { clients[os.Args[1]](os.Args[2]) }
