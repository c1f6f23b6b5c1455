from django.http import HttpResponse
from django.urls import path

app_name = "panels"
x = lambda *a, **k: HttpResponse()
urlpatterns = [
    path("<int:pk>/", x, name="detail"),
    path("<int:pk>/sign/", x, name="sign"),
    path("<int:pk>/items/<int:item>/", x, name="item"),
]
