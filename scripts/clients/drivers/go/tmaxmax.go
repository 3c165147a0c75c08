package main

import (
	"context"
	"net/http"
	"time"

	"github.com/tmaxmax/go-sse"
)

func init() {
	clients["tmaxmax/go-sse"] = func(url string) {
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err != nil {
			panic(err)
		}
		client := sse.Client{Backoff: sse.Backoff{InitialInterval: 300 * time.Millisecond}}
		connection := client.NewConnection(request)
		connection.SubscribeToAll(func(event sse.Event) {
			say(event.Type, event.Data, event.LastEventID)
		})
		for {
			_ = connection.Connect()
			time.Sleep(pause)
		}
	}
}
