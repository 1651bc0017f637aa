// Package agreement holds what is known of the Microsoft Customer Agreement as a document: its
// template, its address, and the countries and languages that it exists in.
package agreement

// Template is the agreement that Microsoft's metadata name.
type Template struct {
	ID   string
	Link string // to a page for people; may be empty
}

// Document is the agreement for one country, in one language. Its links are valid for five minutes.
type Document struct {
	DisplayURL  string
	DownloadURL string
	Language    string // in which Microsoft gives it; it need not be the one that was asked for
	Country     string
}

// Page is where a Global Administrator of an existing customer accepts the agreement. It names no
// partner (docs/partner-center.md, "Invitations").
const Page = "https://admin.microsoft.com/AdminPortal/Home?ref=/BillingAccounts/agreement"
