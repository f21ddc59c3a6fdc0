"""The sentences for requests that name nothing we have, or that cannot be read: what happened, what stays, what to do."""

from __future__ import annotations

from gateway.lexicon import mark

NOT_THERE: dict[str, tuple[str, ...]] = {
    "RESERVATION_NOT_FOUND": (
        mark(
            "Cette réservation n'existe pas, ou n'existe plus, dans votre foyer. Rien n'a changé : "
            "l'agenda montre celles qui sont faites."
        ),
    ),
    "INVOICE_NOT_FOUND": (
        mark("Cette facture n'existe pas dans votre foyer. Les vôtres sont toutes dans « Factures »."),
    ),
    "PAYMENT_NOT_FOUND": (
        mark("Ce paiement n'existe pas dans votre foyer. « Factures » dit où en est chacune des vôtres."),
    ),
    "CHILD_NOT_FOUND": (
        mark("Cet enfant ne fait pas partie de votre foyer. Rien n'a changé : choisissez parmi ceux de « Mon foyer »."),
    ),
    "ACTIVITY_NOT_FOUND": (
        mark("Cette activité n'existe pas dans votre commune. Rien n'a changé : choisissez parmi celles de l'agenda."),
    ),
    "ENTRY_NOT_FOUND": (
        mark(
            "Cette saisie n'existe pas, ou n'existe plus, dans votre foyer. Rien n'a changé : "
            "l'agenda montre ce qui est réservé."
        ),
    ),
    "SESSION_NOT_FOUND": (
        mark("Cette connexion est déjà fermée. « Mon compte » montre celles qui sont encore ouvertes."),
    ),
    "ACCOUNT_NOT_FOUND": (
        mark("Ce compte n'existe pas, ou n'existe plus. Le service scolaire vous renseigne : {phone}."),
        mark("Ce compte n'existe pas, ou n'existe plus. Le service scolaire vous renseigne."),
    ),
    "HOUSEHOLD_NOT_FOUND": (
        mark("Votre foyer n'est pas encore connu ici. Le service scolaire peut y remédier : {phone}."),
        mark("Votre foyer n'est pas encore connu ici. Le service scolaire peut y remédier."),
    ),
    "SITE_NOT_FOUND": (mark("Ce lieu n'existe pas dans cette commune. Rien n'a changé."),),
    "CALENDAR_ZONE_NOT_FOUND": (mark("Cette zone de vacances scolaires n'existe pas. Rien n'a changé."),),
    "NOT_FOUND": (mark("Cette page n'existe pas, ou n'existe plus."),),
    "UNKNOWN_TOWN": (mark("Aucune ville ne correspond à cette adresse."),),
}

UNREADABLE: dict[str, tuple[str, ...]] = {
    "MALFORMED_REQUEST": (
        mark("Votre demande n'est pas lisible. Rien n'a été enregistré : vérifiez-la, puis envoyez-la de nouveau."),
    ),
    "UNSUPPORTED_MEDIA_TYPE": (
        mark("Votre demande doit être en JSON (Content-Type: application/json). Rien n'a été enregistré."),
    ),
    "METHOD_NOT_ALLOWED": (mark("Cette adresse ne s'ouvre pas ainsi. Revenez à la page précédente."),),
    "PAYLOAD_TOO_LARGE": (
        mark("Votre envoi est trop volumineux. Rien n'a été enregistré : envoyez-en moins à la fois."),
    ),
    "FORM_TOO_LARGE": (mark("Votre envoi est trop volumineux. Rien n'a été enregistré : envoyez-en moins à la fois."),),
    "IDEMPOTENCY_KEY_REUSED": (
        mark(
            "Ce formulaire a déjà été envoyé, avec un autre contenu. Rien de plus n'a été enregistré : "
            "rechargez la page pour voir le résultat, ou faites une nouvelle demande."
        ),
    ),
    "IDEMPOTENCY_KEY_TOO_LONG": (
        mark("La clé Idempotency-Key dépasse 200 caractères. Rien n'a été enregistré : prenez-en une plus courte."),
    ),
    "INVALID_MONTH": (
        mark("Le mois (month) n'est pas lisible. Écrivez l'année, puis le mois de 01 à 12, comme 2025-09."),
    ),
    "INVALID_DATE": (
        mark("Une date manque ou n'existe pas au calendrier. Rien n'a été enregistré : corrigez-la, puis réessayez."),
    ),
    "DAY_OUT_OF_RANGE": (
        mark("Cette date est trop loin d'aujourd'hui. Rien n'a été enregistré : corrigez-la, puis réessayez."),
    ),
    "INVALID_MONEY": (
        mark("Le montant n'est pas lisible. Rien n'a été enregistré : rechargez la page, puis réessayez."),
    ),
    "INVALID_PAGE_TOKEN": (mark("La suite de cette liste n'est plus lisible. Reprenez la liste depuis son début."),),
    "INVALID_PAGE_SIZE": (mark("Une page de liste (page_size) compte de 1 à 200 éléments."),),
    "INVALID_WEEKDAY": (mark("Les jours de la semaine vont de 1 (lundi) à 7 (dimanche). Rien n'a été enregistré."),),
    "PERIOD_REVERSED": (mark("La fin de la période est avant son début. Corrigez l'une des deux dates."),),
    "PERIOD_TOO_LONG": (mark("La période dépasse 13 mois. Choisissez une fin plus proche."),),
    "NO_CHILD": (mark("Aucun enfant n'est choisi. Choisissez-en au moins un."),),
    "NO_ACTIVITY": (mark("Aucune activité n'est choisie. Choisissez-en au moins une."),),
    "NO_ACTION": (mark("Aucune action n'est choisie : créer ou supprimer."),),
    "NO_PERIODICITY": (mark("Aucune périodicité n'est choisie."),),
    "NO_RESERVATION": (mark("Aucune réservation n'est choisie. Choisissez-en au moins une."),),
    "TOO_MANY_CHILDREN": (
        mark("Trop d'enfants à la fois : {max_count} au plus. Rien n'a été enregistré."),
        mark("Trop d'enfants à la fois. Rien n'a été enregistré."),
    ),
    "TOO_MANY_IDS": (
        mark("Trop de réservations à la fois : {max_count} au plus. Rien n'a changé."),
        mark("Trop de réservations à la fois. Rien n'a changé : choisissez-en moins."),
    ),
    "USERNAME_TAKEN": (mark("Ce nom d'utilisateur est déjà pris. Rien n'a changé : choisissez-en un autre."),),
    "HOST_TAKEN": (mark("Cette adresse est déjà celle d'une commune. Rien n'a changé : choisissez-en une autre."),),
}

TO_PROGRAMS: dict[str, str] = {
    "NOT_FOUND": mark("Il n'y a rien à cette adresse."),
    "METHOD_NOT_ALLOWED": mark("Cette adresse ne prend pas cette méthode. Rien n'a été enregistré."),
    "SESSION_EXPIRED": mark("Cette connexion est terminée. Rien n'a été enregistré : connectez-vous de nouveau."),
    "IDEMPOTENCY_KEY_REUSED": mark(
        "Cette clé Idempotency-Key a déjà servi à une autre demande. Rien de plus n'a été enregistré : "
        "prenez une nouvelle clé pour une nouvelle demande."
    ),
}
"""What an answer of the API says instead: no page to reload, no form that was kept."""
