"""A PayFiP that moves no money: the SOAP service, the payment page and an admin page. Ships in no production image."""
