package main

import (
	"time"

	"github.com/launchdarkly/eventsource"
)

func init() {
	clients["launchdarkly/eventsource"] = func(url string) {
		stream, err := eventsource.SubscribeWithURL(url,
			eventsource.StreamOptionInitialRetry(300*time.Millisecond),
			eventsource.StreamOptionErrorHandler(func(error) eventsource.StreamErrorHandlerResult {
				return eventsource.StreamErrorHandlerResult{CloseNow: false}
			}))
		if err != nil {
			panic(err)
		}
		for event := range stream.Events {
			say(event.Event(), event.Data(), event.Id())
		}
	}
}
