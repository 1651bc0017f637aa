package standing

// ResellerReading is the result of reading a customer's indirect reseller.
type ResellerReading struct {
	CustomerID string
	Readable   bool   // false: the service refuses to say
	ResellerID string // empty: the customer has none
}

// ResellerName names an indirect reseller of an indirect provider.
type ResellerName struct {
	ID   string
	Name string
}
