package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

func (n Notifier) webhook(night Night) delivery {
	if n.Webhook.URL == "" {
		return nil
	}
	return func(ctx context.Context) error {
		body, err := json.Marshal(n.payload(night))
		if err == nil {
			err = n.request(ctx, http.MethodPost, n.Webhook.URL, body)
		}
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		return nil
	}
}

// payloadVersion changes when a name of the generic JSON gets another meaning.
const payloadVersion = 1

func (n Notifier) payload(night Night) any {
	text := n.compose(night)
	if n.Webhook.Kind == Teams {
		return text.card()
	}
	return struct {
		Version int    `json:"schema_version"`
		Event   string `json:"event"`
		Text    string `json:"text"` // for programs that show one text
		Night
	}{payloadVersion, "night", text.Title, night}
}

// object is a JSON object of a card.
type object map[string]any

// card is the message that a Teams workflow ("post to a channel when a webhook request is
// received") takes. Names stand in rich text, which Teams does not read as Markdown.
func (t text) card() object {
	colour := map[Outcome]string{
		Done: "Good", Partial: "Warning", Failed: "Attention", Interrupted: "Attention",
	}[t.outcome]
	body := []object{
		{"type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true, "color": colour, "text": t.Title},
		richText(t.Subtitle, true),
	}
	for _, line := range t.lines() {
		body = append(body, richText(line, false))
	}
	return object{
		"type": "message",
		"attachments": []object{{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": object{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
				"version": "1.4", "msteams": object{"width": "Full"}, "body": body,
			},
		}},
	}
}

func richText(line string, subtle bool) object {
	return object{"type": "RichTextBlock", "inlines": []object{{"type": "TextRun", "text": line, "isSubtle": subtle}}}
}
