package standing

// Profile is what the service knows of a customer as a company, and whom it writes to.
type Profile struct {
	Name     string
	Domain   string
	Country  string  // ISO 3166-1 alpha-2; may be empty
	Language string  // such as pt-BR; may be empty
	Contact  Contact // of the billing profile; its fields may be empty
}
