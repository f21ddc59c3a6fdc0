"""The sentences for payments that cannot begin: what was asked of the payer, what stands, where else to pay."""

from __future__ import annotations

from gateway.lexicon import mark

OUT_OF_ORDER = (
    mark(
        "Le paiement en ligne de votre commune est en panne. Rien n'a été demandé à votre carte ; "
        "la facture reste à régler en ligne plus tard, ou auprès du service scolaire ({phone})."
    ),
    mark(
        "Le paiement en ligne de votre commune est en panne. Rien n'a été demandé à votre carte ; "
        "la facture reste à régler en ligne plus tard, ou auprès du service scolaire."
    ),
)

PAYING: dict[str, tuple[str, ...]] = {
    # With {amount} nothing was issued; without it an invoice stands already.
    "AMOUNT_TOO_SMALL": (
        mark(
            "Le paiement en ligne commence à {minimum}, votre panier est à {amount}. Aucune facture n'a été créée "
            "et vos places restent gardées jusqu'à {held_until}. Ajoutez des réservations pour atteindre {minimum}, "
            "ou réglez auprès du service scolaire : {phone}."
        ),
        mark(
            "Le paiement en ligne commence à {minimum}, votre panier est à {amount}. Aucune facture n'a été créée "
            "et vos places restent gardées jusqu'à {held_until}. Ajoutez des réservations pour atteindre {minimum}, "
            "ou réglez auprès du service scolaire."
        ),
        mark(
            "Le paiement en ligne commence à {minimum}. Cette facture se règle auprès du service scolaire ({phone}) ; "
            "ou reprenez vos réservations pour en ajouter d'autres."
        ),
        mark(
            "Ce montant est trop petit pour le paiement en ligne. Réglez auprès du service scolaire, "
            "ou reprenez vos réservations pour en ajouter d'autres."
        ),
    ),
    "AMOUNT_TOO_LARGE": (
        mark(
            "Ce montant dépasse ce que prend le paiement en ligne. La facture est prête : "
            "réglez-la auprès du service scolaire ({phone})."
        ),
        mark(
            "Ce montant dépasse ce que prend le paiement en ligne. La facture est prête : "
            "réglez-la auprès du service scolaire."
        ),
    ),
    "PROVIDER_NOT_CONFIGURED": (
        mark(
            "Votre commune ne prend pas encore les paiements en ligne. La facture est prête : "
            "réglez-la auprès du service scolaire ({phone})."
        ),
        mark(
            "Votre commune ne prend pas encore les paiements en ligne. La facture est prête : "
            "réglez-la auprès du service scolaire."
        ),
    ),
    "PROVIDER_SETTINGS_REFUSED": OUT_OF_ORDER,
    "PROVIDER_SETTINGS_UNREADABLE": OUT_OF_ORDER,
    "PAYMENT_EXPIRED": (
        mark(
            "La page de paiement n'est plus ouverte : rien n'a été demandé à votre carte. "
            "Payez à nouveau depuis « Factures »."
        ),
    ),
    "PAYER_EMAIL_INVALID": (
        mark(
            "Le service de paiement n'accepte pas votre adresse e-mail. Corrigez-la dans « Mon compte », puis payez : "
            "la facture est prête."
        ),
    ),
    "AMOUNT_MISMATCH": (
        mark("Ce montant n'est pas celui de la facture. Rien n'a été encaissé : vérifiez ce qui est dû."),
    ),
}
