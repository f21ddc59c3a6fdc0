"""The sentences for every reason and kind of refusal, the richest wording first."""

from __future__ import annotations

from gateway.lexicon import mark
from gateway.payment_sentences import PAYING
from gateway.request_sentences import NOT_THERE, UNREADABLE

SENTENCES: dict[str, tuple[str, ...]] = {
    **NOT_THERE,
    **UNREADABLE,
    **PAYING,
    "SESSION_FULL": (
        mark("Complet : il ne reste plus de place pour {activity} le {day}."),
        mark("Complet : il ne reste plus de place."),
    ),
    "BOOKING_CUTOFF_PASSED": (
        mark(
            "Les réservations pour le {day} sont closes depuis {cutoff}. "
            "Le service scolaire peut encore vous aider : {phone}."
        ),
        mark("Les réservations pour le {day} sont closes depuis {cutoff}."),
        mark("Les réservations sont closes pour ce jour. Le service scolaire peut encore vous aider : {phone}."),
        mark("Les réservations sont closes pour ce jour."),
    ),
    "CANCELLATION_CUTOFF_PASSED": (
        mark(
            "Cette réservation ne peut plus être annulée en ligne depuis {cutoff}. "
            "Elle est maintenue ; le service scolaire peut encore vous aider : {phone}."
        ),
        mark("Cette réservation ne peut plus être annulée en ligne depuis {cutoff}."),
        mark("Cette réservation ne peut plus être annulée en ligne."),
    ),
    "SITE_CLOSED": (
        mark("Fermé le {day} : {label}."),
        mark("Fermé le {day}."),
        mark("Fermé ce jour."),
    ),
    "NOT_THAT_WEEKDAY": (
        mark("Pas de « {activity} » le {weekday}."),
        mark("Cette activité n'a pas lieu ce jour de la semaine."),
    ),
    "NOT_ENROLLED": (
        mark("{child} n'est pas encore inscrit(e) à {activity}. Inscription auprès du service scolaire."),
        mark("Votre enfant n'est pas encore inscrit(e) à cette activité. Inscription auprès du service scolaire."),
    ),
    "REQUIRES_ACTIVITY": (
        mark("{activity} demande aussi {related}."),
        mark("Cette activité demande aussi {related}."),
        mark("Cette activité en demande une autre le même jour."),
    ),
    "EXCLUDES_ACTIVITY": (
        mark("{activity} ne va pas avec {related} le même jour."),
        mark("Cette activité ne va pas avec une autre du même jour."),
    ),
    "ALREADY_RESERVED": (mark("Déjà réservé."),),
    "NOT_RESERVED": (mark("Rien n'était réservé."),),
    "NOT_OPEN_YET": (
        mark("Les réservations ne sont pas encore ouvertes pour le {day}."),
        mark("Les réservations ne sont pas encore ouvertes pour ce jour."),
    ),
    "DAY_PAST": (mark("Ce jour est passé : il ne se réserve plus."),),
    "HOLD_EXPIRED": (
        mark(
            "Vos places n'étaient plus gardées depuis {expired_at}. "
            "{free_count} sur {expired_count} sont encore libres : les reprendre ?"
        ),
        mark("Vos places n'étaient plus gardées. Vous pouvez reprendre celles qui sont encore libres."),
    ),
    "BASKET_CHANGED": (
        mark("Votre panier a changé depuis l'affichage : {expected} → {actual}. Vérifiez puis confirmez."),
        mark("Votre panier a changé depuis l'affichage. Vérifiez puis confirmez."),
    ),
    "BASKET_EMPTY": (mark("Rien à payer : il n'y a plus de réservation en attente de paiement."),),
    "BASKET_NOT_READY": (
        mark("Vos réservations sont enregistrées ; le montant se calcule encore. Rechargez la page dans un instant."),
    ),
    "PROVIDER_UNAVAILABLE": (
        mark(
            "Le service de paiement ne répond pas. Rien n'a été demandé à votre carte. "
            "Vos places sont gardées jusqu'à {held_until}."
        ),
        mark("Le service de paiement ne répond pas. Rien n'a été demandé à votre carte."),
    ),
    "PAYER_EMAIL_MISSING": (
        mark(
            "Le service de paiement demande votre adresse e-mail. Ajoutez-la dans « Mon compte », puis payez : "
            "la facture est prête."
        ),
    ),
    "TILL_MISSING": (
        mark(
            "Votre commune ne peut pas encore établir de facture. Rien ne vous est demandé ; "
            "le service scolaire vous renseigne : {phone}."
        ),
        mark(
            "Votre commune ne peut pas encore établir de facture. Rien ne vous est demandé ; "
            "voyez avec le service scolaire."
        ),
    ),
    "TARIFF_MISSING": (
        mark("Le prix de cette activité n'est pas encore fixé pour ce jour. Voyez avec le service scolaire : {phone}."),
        mark("Le prix de cette activité n'est pas encore fixé pour ce jour. Voyez avec le service scolaire."),
    ),
    "INVOICE_NOT_PAYABLE": (
        mark("Cette facture ne peut plus être payée en ligne : elle est déjà réglée, ou vos places ont été libérées."),
    ),
    "PAYMENT_IN_PROGRESS": (
        mark(
            "Un paiement déjà commencé pour cette facture n'a pas encore donné sa réponse. "
            "Pour ne rien payer deux fois, terminez-le avec « Payer », ou laissez-le : "
            "sans paiement avant {held_until}, les places sont libérées et vous ne devez rien."
        ),
        mark(
            "Un paiement déjà commencé pour cette facture n'a pas encore donné sa réponse. Attendez-la pour continuer."
        ),
    ),
    "NOT_PAID": (mark("La quittance existe une fois la facture payée."),),
    "UNDO_TOO_LATE": (
        mark(
            "Cette saisie ne peut plus être annulée d'un coup : dix minutes sont passées, ou une facture a été créée. "
            "Vous pouvez supprimer les réservations une à une."
        ),
    ),
    "TOO_MANY_ATTEMPTS": (
        mark("Trop d'essais. Réessayez à {retry_at}, ou choisissez un nouveau mot de passe."),
        mark("Trop d'essais. Réessayez plus tard, ou choisissez un nouveau mot de passe."),
    ),
    "SIGN_IN_BUSY": (
        mark(
            "Beaucoup de familles se connectent en ce moment. Votre connexion n'a pas été prise en compte : "
            "attendez une dizaine de secondes, puis réessayez."
        ),
    ),
    "SIGN_IN_FAILED": (mark("Nom d'utilisateur ou mot de passe incorrect."),),
    "SESSION_EXPIRED": (
        mark("Vous avez été déconnecté(e) après {idle} sans activité. Reconnectez-vous : votre saisie est conservée."),
        mark("Vous avez été déconnecté(e). Reconnectez-vous : votre saisie est conservée."),
    ),
    "PASSWORD_TOO_WEAK": (
        mark(
            "Ce mot de passe est trop facile à deviner. Prenez au moins 12 caractères de trois sortes "
            "(minuscules, majuscules, chiffres, signes), ou 14 caractères de votre choix."
        ),
    ),
    "RESET_LINK_INVALID": (mark("Ce lien a déjà servi, ou il est trop ancien. Demandez-en un nouveau."),),
    "CSRF_INVALID": (
        mark(
            "Par sécurité, ce formulaire n'a pas été envoyé : il était resté ouvert trop longtemps. "
            "Rien n'a changé : revenez en arrière et envoyez-le de nouveau."
        ),
    ),
    "FORBIDDEN": (
        mark("Ceci n'est pas ouvert à votre compte. Si ce devait l'être, le service scolaire y remédie : {phone}."),
        mark("Ceci n'est pas ouvert à votre compte. Si ce devait l'être, le service scolaire y remédie."),
    ),
    "CONFLICT": (mark("Quelqu'un d'autre de votre foyer vient de changer la même chose. Vérifiez, puis réessayez."),),
    "SIGN_IN_REQUIRED": (mark("Connectez-vous pour continuer."),),
    "NO_HOUSEHOLD": (
        mark("Votre compte n'est rattaché à aucun foyer. Le service scolaire peut y remédier : {phone}."),
        mark("Votre compte n'est rattaché à aucun foyer. Le service scolaire peut y remédier."),
    ),
    "UNAVAILABLE": (
        mark("Une partie du service ne répond pas pour le moment. Rien n'est perdu : réessayez dans un instant."),
    ),
    "TIMEOUT": (mark("La réponse tarde trop. Rien n'est perdu : rechargez la page pour voir où vous en êtes."),),
    "INTERNAL": (
        mark(
            "Un problème de notre côté (référence {trace_id}). "
            "Ce qui était déjà enregistré le reste. Réessayez dans un instant."
        ),
        mark("Un problème de notre côté. Ce qui était déjà enregistré le reste. Réessayez dans un instant."),
    ),
}

# One reason, several causes: the fact that tells them apart, and the sentence for each of its values.
REFINED: dict[str, tuple[str, dict[str, str]]] = {
    "PASSWORD_TOO_WEAK": (
        "problem",
        {
            "too_short": mark("Ce mot de passe est trop court : prenez au moins 12 caractères."),
            "too_simple": mark(
                "En dessous de 14 caractères, il en faut de trois sortes parmi minuscules, majuscules, chiffres et signes. "
                "Ajoutez une sorte, ou allongez-le à 14 caractères."
            ),
            "contains_username": mark("Ce mot de passe contient votre nom d'utilisateur : choisissez-en un autre."),
            "too_common": mark(
                "Ce mot de passe est parmi les plus devinés. Prenez par exemple trois mots sans rapport."
            ),
            "too_long": mark("Ce mot de passe est trop long : 256 caractères au plus."),
        },
    ),
    "INVOICE_NOT_PAYABLE": (
        "status",
        {
            "PAID": mark("Cette facture est déjà réglée : vous n'avez rien de plus à payer."),
            "CANCELLED": mark("Cette facture est annulée par un avoir : vous ne devez rien."),
            "HOLD_EXPIRED": mark("Cette facture ne peut plus être payée : vos places n'étaient plus gardées."),
        },
    ),
}

BY_KIND: dict[str, str] = {
    "invalid": mark("Quelque chose manque ou n'est pas lisible dans votre demande. Rien n'a été enregistré."),
    "unauthenticated": mark("Connectez-vous pour continuer."),
    "forbidden": SENTENCES["FORBIDDEN"][1],
    "not_found": SENTENCES["NOT_FOUND"][0],
    "exists": SENTENCES["IDEMPOTENCY_KEY_REUSED"][0],
    "precondition": mark("Ce n'est plus possible : la situation a changé depuis l'affichage. Rechargez la page."),
    "conflict": SENTENCES["CONFLICT"][0],
    "quota": mark("Trop de demandes à la fois. Réessayez dans un instant."),
    "unavailable": SENTENCES["UNAVAILABLE"][0],
    "timeout": SENTENCES["TIMEOUT"][0],
    "bug": SENTENCES["INTERNAL"][1],
}

# What an error answer of the API adds to "invalid": programs know the fields by their names, people do not.
INVALID_FIELD = mark("« {field} » manque ou n'est pas lisible. Rien n'a été enregistré : corrigez, puis réessayez.")

TITLE_OF_REASON: dict[str, str] = {
    "NOT_FOUND": mark("Page introuvable"),
    "UNKNOWN_TOWN": mark("Ville inconnue"),
    "TILL_MISSING": mark("Pas encore possible"),
    "NOT_OPEN_YET": mark("Pas encore possible"),
    "AMOUNT_TOO_SMALL": mark("Montant trop petit"),
    "CSRF_INVALID": mark("Formulaire non envoyé"),
}

TITLES: dict[str, str] = {
    "invalid": mark("À corriger"),
    "unauthenticated": mark("Connexion nécessaire"),
    "forbidden": mark("Accès refusé"),
    "not_found": mark("Introuvable"),
    "exists": mark("Déjà fait"),
    "precondition": mark("Ce n'est plus possible"),
    "conflict": mark("Modifié entre-temps"),
    "quota": mark("Trop de demandes"),
    "unavailable": mark("Service momentanément indisponible"),
    "timeout": mark("Réponse trop longue"),
    "bug": mark("Un problème de notre côté"),
}
